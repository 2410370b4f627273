#include "tests/bench/skeleton/relay.h"

#include <algorithm>
#include <vector>

#include "daemon/ctl/bench_work.h"
#include "tests/bench/skeleton/frame.h"

namespace groupcomm::bench {
namespace {

using ctl::BenchHeader;

// What comes from some connections, and goes to others.
struct Flow {
  std::vector<Link*> from;
  std::vector<Link*> to;
  bool is_ordered = false;  // here: this is the sequencer
  Disturbance disturbance = Disturbance::kNone;
  std::string batch = {};
};

bool is_data(const FrameHead& head, const BenchHeader& header) {
  return head.payload_bytes >= sizeof header && header.type == BenchHeader::Type::kData;
}

BenchHeader header_of(const char* frame, const FrameHead& head) {
  BenchHeader header{};
  std::memcpy(&header, frame + sizeof head,
              std::min<std::size_t>(head.payload_bytes, sizeof header));
  return header;
}

// The payloads change places, the numbers do not: only who compares what came where can notice.
bool swap_neighbours(std::string& frames) {
  char* last = nullptr;
  BenchHeader of_last;
  bool is_done = false;
  for_each_frame(frames, [&](char* frame, const FrameHead& head) {
    const BenchHeader header = header_of(frame, head);
    if (is_done || !is_data(head, header)) return;
    if (last != nullptr && of_last.node != header.node && last + frame_bytes(head) == frame) {
      std::swap_ranges(last + sizeof head, frame, frame + sizeof head);
      is_done = true;
    }
    last = frame;
    of_last = header;
  });
  return is_done;
}

bool lose_one(std::string& frames) {
  const FrameHead head = head_at(frames.data());
  if (!is_data(head, header_of(frames.data(), head))) return false;
  frames.erase(0, frame_bytes(head));
  return true;
}

void disturb(Flow& flow) {
  const bool is_done =
      flow.disturbance == Disturbance::kOrder ? swap_neighbours(flow.batch) : lose_one(flow.batch);
  if (is_done) flow.disturbance = Disturbance::kNone;
}

void put_numbers(std::string& frames, std::uint32_t& last) {
  for_each_frame(frames, [&](char* frame, FrameHead head) {
    head.number = ++last;
    std::memcpy(frame, &head, sizeof head);
  });
}

bool is_stopped(const Flow& flow) {
  return std::any_of(flow.to.begin(), flow.to.end(), [](const Link* to) { return to->is_full(); });
}

std::vector<Flow> flows_of(const RelayOptions& options, Endpoint& endpoint) {
  std::vector<Link*> links;
  const bool is_sequencer = options.number == options.sequencer;
  for (std::size_t i = 0; i < (is_sequencer ? kNodes : 2); ++i) links.push_back(&endpoint.link(i));
  if (is_sequencer) return {{.from = links, .to = links, .is_ordered = true}};
  Flow down{.from = {links[1]}, .to = {links[0]}};
  if (options.number == (options.sequencer + 1) % kNodes) down.disturbance = options.disturbance;
  return {{.from = {links[0]}, .to = {links[1]}}, down};
}

}  // namespace

void run_relay(const RelayOptions& options, Endpoint& endpoint) {
  std::vector<Flow> flows = flows_of(options, endpoint);
  std::uint32_t last_number = 0;
  while (true) {
    endpoint.wait(-1);
    for (Flow& flow : flows) {
      for (Link* from : flow.from) {
        if (from->is_readable) from->receive(flow.batch);
      }
      if (!flow.batch.empty()) {
        if (flow.is_ordered) put_numbers(flow.batch, last_number);
        if (flow.disturbance != Disturbance::kNone) disturb(flow);
        for (Link* to : flow.to) to->send(flow.batch);
        flow.batch.clear();
      }
      const bool is_wanted = !is_stopped(flow);
      for (Link* from : flow.from) from->is_wanted = is_wanted && from->is_open();
    }
  }
}

}  // namespace groupcomm::bench
