#include "daemon/ctl/bench_room.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace groupcomm::ctl {
namespace {

constexpr char kFilling = '\xA5';

// FNV-1a, a word of 64 bits at a time.
void mix(std::uint64_t& hash, std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3u; }

std::uint16_t senders_of(const BenchWork& work) {
  if (!work.latency) return std::min(work.senders, work.members);
  return work.has_background() ? work.members : 1;
}

}  // namespace

std::uint64_t bench_now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

BenchRoom::BenchRoom(const BenchWork& work, const std::string& name)
    : work_(work),
      senders_(senders_of(work)),
      name_(name),
      next_sequences_(work.members + 1),
      hashes_(work.members + 1, 0xcbf29ce484222325u) {}

bool BenchRoom::send(std::size_t size) { return send(Type::kData, size, work_.order, {}); }

bool BenchRoom::send(Type type, std::size_t size, Order order, std::string_view body) {
  const BenchHeader header{
      .type = type, .node = node_, .sequence = sent_, .sent_ns = bench_now_ns()};
  buffer_.assign(std::max(size, sizeof header + body.size()), kFilling);
  std::memcpy(buffer_.data(), &header, sizeof header);
  std::copy(body.begin(), body.end(), buffer_.begin() + sizeof header);
  if (!multicast(buffer_, order)) return false;
  if (type != Type::kReport) ++sent_;
  return true;
}

bool BenchRoom::finish() {
  if (!failure_.empty()) return true;
  if (is_sender() && !has_ended_) {
    has_ended_ = send(Type::kEnd, work_.size, work_.order, {});
  }
  if (is_at_end() && !has_reported_) {
    const Report mine = report();
    std::string body(sizeof mine, '\0');
    std::memcpy(body.data(), &mine, sizeof mine);
    has_reported_ = send(Type::kReport, 0, Order::kTotal, body);
  }
  return reports_.size() == work_.members;
}

BenchRoom::Report BenchRoom::report() const {
  Report report{.delivered = delivered_};
  if (work_.order == Order::kTotal || work_.order == Order::kSafe) {
    report.hash = hashes_[0];
  } else {
    for (std::size_t node = 1; node < hashes_.size(); ++node) mix(report.hash, hashes_[node]);
  }
  return report;
}

void BenchRoom::on_members(std::size_t count, std::size_t my_rank) {
  // It is over: whoever has all reports may go, which gives the others other ranks.
  if (reports_.size() == work_.members) return;
  const bool has_begun = is_complete();
  member_count_ = count;
  if (member_count_ > work_.members) {
    fail(std::to_string(member_count_) + " members, and not " + std::to_string(work_.members));
  } else if (has_begun) {
    fail("its members changed while it was measured");
  }
  node_ = static_cast<std::uint16_t>(my_rank + 1);
}

void BenchRoom::on_payload(std::string_view bytes) {
  BenchHeader header;
  if (bytes.size() < sizeof header) return fail("a message of somebody else");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != BenchHeader::kMagic || header.node == 0 || header.node > work_.members) {
    return fail("a message of somebody else");
  }
  if (header.type == Type::kReport) return on_report(header, bytes.substr(sizeof header));
  count(header, bench_now_ns());
}

void BenchRoom::count(const BenchHeader& header, std::uint64_t now_ns) {
  last_ns_ = now_ns;
  if (delivered_ == 0) first_ns_ = now_ns;
  ++delivered_;
  std::uint64_t& expected = next_sequences_[header.node];
  if (work_.order == Order::kReliable) {
    hashes_[header.node] += header.sequence * 0x9e3779b97f4a7c15u;  // in any order
  } else {
    if (header.sequence != expected)
      fail("a gap in what node " + std::to_string(header.node) + " sent");
    mix(hashes_[header.node], header.sequence);
    mix(hashes_[0], header.node);
    mix(hashes_[0], header.sequence);
  }
  ++expected;
  if (header.type == Type::kEnd) {
    ++ends_;
    has_first_ended_ = has_first_ended_ || header.node == 1;
  }
  if (header.node == node_) ++own_delivered_;
  if (on_data && header.type == Type::kData) on_data(header, now_ns);
}

void BenchRoom::on_report(const BenchHeader& header, std::string_view body) {
  Report theirs;
  if (body.size() < sizeof theirs) return fail("a report that is cut short");
  std::memcpy(&theirs, body.data(), sizeof theirs);
  // Who reports has got everything, and so, in most orders, have we; else the rest is to come.
  reports_.push_back(theirs);
  if (reports_.size() < work_.members) return;
  if (std::any_of(reports_.begin(), reports_.end(),
                  [&](const Report& r) { return r != reports_[0]; })) {
    fail("node " + std::to_string(header.node) + " and others did not get the same");
  }
}

void BenchRoom::fail(const std::string& why) {
  if (failure_.empty()) failure_ = "group \"" + name_ + "\": " + why;
}

}  // namespace groupcomm::ctl
