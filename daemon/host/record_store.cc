#include "daemon/host/record_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "groupcomm/wire/codec.h"
#include "membership/view_fits.h"

namespace groupcomm::daemon {
namespace {

constexpr const char* kRecord = "record";
constexpr const char* kIncarnation = "incarnation";

Failure failed(const std::string& what) { return Failure{what + ": " + std::strerror(errno)}; }

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<std::string> read_all(int file, const std::string& path) {
  std::string bytes;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = read(file, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot read " + path);
    if (count == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (bytes.size() > wire::kFrameBytesMax) return Failure{path + " is too large for a record"};
  }
}

}  // namespace

Result<RecordStore> RecordStore::open(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return Failure{"cannot create the state directory " + directory + ": " + error.message()};
  }
  auto lock = FileLock::take(directory + "/lock",
                             "another groupcommd uses the state directory " + directory);
  if (!lock.ok()) return Failure{lock.error()};
  return RecordStore(directory, std::move(lock).value());
}

Result<protocol::DurableRecord> RecordStore::load() const {
  const auto bytes = read(kRecord);
  if (!bytes.ok()) return Failure{bytes.error()};
  if (!bytes.value()) return protocol::DurableRecord{};
  auto record = wire::decode_durable_record(Payload::copy_of(*bytes.value()));
  if (!record.ok()) return Failure{path(kRecord) + " is damaged (" + record.error() + ")"};
  if (!membership::fits(record.value())) {
    return Failure{path(kRecord) + " is damaged (no daemon can have written what it says)"};
  }
  return record;
}

Result<std::monostate> RecordStore::save(const protocol::DurableRecord& record) {
  return replace(kRecord, wire::encode(record).text());
}

Result<Incarnation> RecordStore::load_incarnation() const {
  const auto bytes = read(kIncarnation);
  if (!bytes.ok()) return Failure{bytes.error()};
  Incarnation incarnation;
  if (!bytes.value()) return incarnation;
  const std::string& text = *bytes.value();
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, incarnation.value, 16);
  if (error == std::errc() && rest + 1 == end && *rest == '\n') {
    // Each one is larger than the last (rule P6).
    if (incarnation.value < std::numeric_limits<std::uint64_t>::max()) return incarnation;
  }
  return Failure{path(kIncarnation) + " is damaged (no number)"};
}

Result<std::monostate> RecordStore::save_incarnation(Incarnation incarnation) {
  return replace(kIncarnation, to_string(incarnation) + "\n");
}

Result<std::optional<std::string>> RecordStore::read(const char* name) const {
  const Descriptor file(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return failed("cannot open " + path(name));
  }
  auto bytes = read_all(file.get(), path(name));
  if (!bytes.ok()) return Failure{bytes.error()};
  return std::optional<std::string>(std::move(bytes).value());
}

Result<std::monostate> RecordStore::replace(const char* name, std::string_view bytes) {
  const std::string fresh = path(name) + ".tmp";
  Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file.valid()) return failed("cannot create " + fresh);
  if (!write_all(file.get(), bytes)) return failed("cannot write " + fresh);
  if (fdatasync(file.get()) != 0) return failed("cannot sync " + fresh);
  file.reset();
  if (std::rename(fresh.c_str(), path(name).c_str()) != 0) {
    return failed("cannot replace " + path(name));
  }
  const Descriptor directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return failed("cannot open " + directory_);
  if (fsync(directory.get()) != 0) return failed("cannot sync " + directory_);
  return std::monostate{};
}

}  // namespace groupcomm::daemon
