// What waits to be sent to clients until the event loop has nothing more to read.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "daemon/core/effect.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::daemon {

// For each client frames of a moderate size, holding all its messages in order. Clients whose
// waiting messages are the same (members of one group, mostly) share one list, which is encoded
// once.
class ClientBatches {
 public:
  struct Frame {
    std::vector<SessionId> sessions;
    Payload bytes;
  };

  // A list of this size is sent without waiting for more, and a frame of this size takes no more:
  // all the parts of a large payload come at once, and would not fit into one frame.
  static constexpr std::size_t kBatchBytesMax = 256u << 10;
  // No longer list is kept for the next batch.
  static constexpr std::size_t kSpareMessagesMax = 8192;

  void add(SessionId session, protocol::DaemonMessage message);
  void add(DeliverMessage message);

  // What has reached kBatchBytesMax.
  std::vector<Frame> take_full();
  // Everything.
  std::vector<Frame> take_all();
  // Everything of the list that this session shares.
  std::vector<Frame> take(SessionId session);

  // The session is over: nothing is kept for it.
  void drop(SessionId session);

 private:
  struct Batch {
    std::vector<SessionId> sessions;
    std::vector<protocol::DaemonMessage> messages;
    std::size_t bytes = 0;
    std::vector<SessionId> addressed;  // by the add() that is under way
  };
  using BatchPointer = std::shared_ptr<Batch>;

  // The lists that exactly these sessions share from here on.
  std::vector<BatchPointer> lists_of(const SessionList& sessions);
  // The list that exactly the addressed sessions of `batch` share from here on.
  BatchPointer split(BatchPointer batch);
  BatchPointer make(std::vector<SessionId> sessions);
  template <typename Message>
  void append(const BatchPointer& batch, Message message);
  void take(const BatchPointer& batch, std::vector<Frame>& frames);

  std::map<SessionId, BatchPointer> by_session_;
  std::vector<BatchPointer> full_;
  BatchPointer spare_;  // one that is over: its list has room already
  // Messages of a group come one after another. Whose list the last one went to, if it was one, and
  // it is so still.
  SessionList last_sessions_;
  BatchPointer last_;
};

}  // namespace groupcomm::daemon
