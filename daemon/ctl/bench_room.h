// What the members of a measurement tell one another, and one group as one of them sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "groupcomm/client.h"

namespace groupcomm::ctl {

// Nanoseconds of the monotonic clock, which all processes of a host share.
std::uint64_t bench_now_ns();

// The work of one measurement, the same for all its members.
struct BenchWork {
  std::string group = "bench";  // its name, or how the names begin where there are several
  std::uint32_t groups = 1;
  std::uint16_t members = 3;  // of each group
  std::uint16_t senders = 3;  // of each group: its first members
  Order order = Order::kTotal;
  std::size_t size = 64;      // payload bytes, header included
  std::uint64_t window = 64;  // own messages under way; 0: as many as there is
                              // credit for
  double seconds = 3;         // how long to send

  // Instead of sending for so long: rank 0 sends one message, waits for it, and so on.
  bool latency = false;
  std::uint32_t samples = 2000;
  double pause_ms = 0;                    // between two of them
  std::uint64_t background_rate = 0;      // messages of 1 KiB a second, of each other member
  bool is_background_saturating = false;  // instead: `window` under way, of `size`

  // Beyond the time that the work itself takes.
  double give_up_seconds = 60;

  bool has_background() const { return background_rate > 0 || is_background_saturating; }
};

// Begins every payload; the rest of it is filled up. In the byte order of the host.
struct BenchHeader {
  static constexpr std::uint32_t kMagic = 0x67636d31;
  enum class Type : std::uint16_t { kData = 1, kEnd = 2, kReport = 3 };

  std::uint32_t magic = kMagic;
  Type type = Type::kData;
  std::uint16_t node = 0;      // its sender's rank, from 1
  std::uint64_t sequence = 0;  // of its sender in the group, from 0
  std::uint64_t sent_ns = 0;
};
static_assert(sizeof(BenchHeader) == 24);

// One group as a member sees it. It counts what is delivered, and at the end compares that with
// what the others say that they got.
class BenchRoom : public GroupListener {
 public:
  using Type = BenchHeader::Type;

  BenchRoom(const BenchWork& work, Client& client, const std::string& name);
  BenchRoom(const BenchRoom&) = delete;
  BenchRoom& operator=(const BenchRoom&) = delete;

  // All members are there, and have ranks.
  bool is_complete() const { return member_count_ == work_.members; }
  bool is_sender() const { return node_ > 0 && node_ <= senders_; }
  std::uint16_t node() const { return node_; }  // rank, from 1

  // Sends a message that counts. False: there is no credit now.
  bool send(std::size_t size);
  // Ends what this member sends, and when everybody has ended, tells what came. False: call it
  // again after the next event.
  bool finish();
  // Every sender has ended, and all came.
  bool is_at_end() const { return ends_ == senders_; }
  // What rank 0 sent has ended.
  bool has_first_ended() const { return has_first_ended_; }

  // What is wrong, or empty. A run in which this is not empty for each member counts for nothing.
  const std::string& failure() const { return failure_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t own_delivered() const { return own_delivered_; }
  std::uint64_t first_ns() const { return first_ns_; }
  std::uint64_t last_ns() const { return last_ns_; }

  // Called for each message that counts.
  std::function<void(const BenchHeader&, std::uint64_t now_ns)> on_data;

  void on_view(Group& group, const GroupView& view) override;
  void on_message(Group& group, const Message& message) override;
  void on_rejected(Group& group, RequestId request, RejectReason reason) override;
  void on_send_failed(Group& group, SendNumber number) override;
  void on_suspended(Group& group) override;
  void on_gone(Group& group, GoneReason reason) override;

 private:
  // What a member got.
  struct Report {
    std::uint64_t hash = 0;
    std::uint64_t delivered = 0;
    bool operator==(const Report&) const = default;
  };

  bool send(Type type, std::size_t size, Order order, std::string_view body);
  void count(const BenchHeader& header, std::uint64_t now_ns);
  void on_report(const BenchHeader& header, std::string_view body);
  void fail(const std::string& why);
  // Over all that came, in the order that has to be the same everywhere.
  Report report() const;

  const BenchWork& work_;
  std::uint16_t senders_;
  std::string name_;
  std::size_t member_count_ = 0;
  std::uint16_t node_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t own_delivered_ = 0;
  std::uint64_t first_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::vector<std::uint64_t> next_sequences_;  // by node
  std::vector<std::uint64_t> hashes_;          // by node; of all senders together at 0
  std::uint16_t ends_ = 0;
  std::vector<Report> reports_;
  bool has_first_ended_ = false;
  bool has_ended_ = false;
  bool has_reported_ = false;
  std::string failure_;
  std::string buffer_;
  Group group_;
};

}  // namespace groupcomm::ctl
