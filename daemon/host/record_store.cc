#include "daemon/host/record_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "groupcomm/wire/codec.h"

namespace groupcomm::daemon {
namespace {

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
  const Descriptor file(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return protocol::DurableRecord{};
    return failed("cannot open " + path());
  }
  auto bytes = read_all(file.get(), path());
  if (!bytes.ok()) return Failure{bytes.error()};
  auto record = wire::decode_durable_record(Payload::copy_of(bytes.value()));
  if (!record.ok()) return Failure{path() + " is damaged (" + record.error() + ")"};
  return record;
}

Result<std::monostate> RecordStore::save(const protocol::DurableRecord& record) {
  const std::string fresh = directory_ + "/record.tmp";
  const Payload bytes = wire::encode(record);
  Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file.valid()) return failed("cannot create " + fresh);
  if (!write_all(file.get(), bytes.text())) return failed("cannot write " + fresh);
  if (fdatasync(file.get()) != 0) return failed("cannot sync " + fresh);
  file.reset();
  if (std::rename(fresh.c_str(), path().c_str()) != 0) return failed("cannot replace " + path());
  const Descriptor directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return failed("cannot open " + directory_);
  if (fsync(directory.get()) != 0) return failed("cannot sync " + directory_);
  return std::monostate{};
}

}  // namespace groupcomm::daemon
