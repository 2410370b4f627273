// The durable record on disk (PROTOCOL.md, Durable record).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/host/file_lock.h"
#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/result.h"

namespace groupcomm::daemon {

// What one daemon must not forget, in one directory, which this process holds locked. After save()
// has returned, the new record survives a crash of the process and of the host; a crash inside
// save() leaves either the old record or the new one, never a part of one.
class RecordStore {
 public:
  // Creates the directory where it is not there.
  static Result<RecordStore> open(const std::string& directory);

  // An empty record where none was saved yet. A Failure where it cannot be read or is damaged: a
  // daemon that forgot its votes must not vote, so that is never taken for an empty one.
  Result<protocol::DurableRecord> load() const;

  Result<std::monostate> save(const protocol::DurableRecord& record);

  // The last incarnation of the daemon that owns the directory, or 0. Later ones must be larger,
  // though the wall clock may have been set back meanwhile.
  Result<Incarnation> load_incarnation() const;
  Result<std::monostate> save_incarnation(Incarnation incarnation);

 private:
  RecordStore(std::string directory, FileLock lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::string path(const char* name) const { return directory_ + "/" + name; }
  // The file as a whole, if it is there.
  Result<std::optional<std::string>> read(const char* name) const;
  Result<std::monostate> replace(const char* name, std::string_view bytes);

  std::string directory_;
  FileLock lock_;
};

}  // namespace groupcomm::daemon
