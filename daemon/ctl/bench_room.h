// One group as a member of a measurement sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctl/bench_work.h"

namespace groupcomm::ctl {

// Counts what is delivered, and at the end compares that with what the others say that they got.
// Who carries the messages, derived classes say: the same is measured whoever does.
class BenchRoom {
 public:
  using Type = BenchHeader::Type;

  BenchRoom(const BenchWork& work, const std::string& name);
  BenchRoom(const BenchRoom&) = delete;
  BenchRoom& operator=(const BenchRoom&) = delete;
  virtual ~BenchRoom() = default;

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

 protected:
  // --- what the carrier tells ---

  void on_members(std::size_t count, std::size_t my_rank);
  void on_payload(std::string_view bytes);
  void fail(const std::string& why);

 private:
  // What a member got.
  struct Report {
    std::uint64_t hash = 0;
    std::uint64_t delivered = 0;
    bool operator==(const Report&) const = default;
  };

  // Sends to all members, this one too. False: there is no credit now.
  virtual bool multicast(std::string_view bytes, Order order) = 0;

  bool send(Type type, std::size_t size, Order order, std::string_view body);
  void count(const BenchHeader& header, std::uint64_t now_ns);
  void on_report(const BenchHeader& header, std::string_view body);
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
};

}  // namespace groupcomm::ctl
