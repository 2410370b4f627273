// D9, D10, D15 and D17 among daemons: what each of them delivers in a view, against what the one
// that stamped it had delivered and stamped before. A daemon writes both in the order in which they
// happened there.
#include <algorithm>
#include <utility>

#include "daemon/verify/check.h"

namespace groupcomm::verify {
namespace {

// By rank: the newest causal, total or safe message that counts.
using VectorTime = std::vector<std::uint64_t>;

struct Message {
  Order order = Order::kReliable;
  const Record* stamp = nullptr;
  const Record* delivery = nullptr;  // the first one
  VectorTime past;                   // when it was stamped
  std::uint64_t predecessor = 0;     // of the same session, fifo or stronger
  std::uint32_t delivered = 0;       // in the last stay that delivered it

  bool is_causal() const { return order >= Order::kCausal; }
};

struct DaemonView {
  explicit DaemonView(const record::View& view)
      : members(&view.members), messages(view.members.size()) {}

  std::size_t rank_of(const std::string& daemon) const {
    return static_cast<std::size_t>(std::find(members->begin(), members->end(), daemon) -
                                    members->begin());
  }

  const std::vector<std::string>* members;
  std::vector<std::map<std::uint64_t, Message>> messages;  // by rank of the sender, and number
};

class DaemonOrderCheck {
 public:
  DaemonOrderCheck(const Run& run, Findings& findings) : run_(run), findings_(findings) {}

  void run() {
    for (const bool is_check : {false, true}) {
      is_check_ = is_check;
      for (const Trace& trace : run_.traces) {
        if (trace.header.role != Role::kDaemon) continue;
        view_ = nullptr;
        for (const Record& record : trace.records) {
          std::visit([&](const auto& r) { on(record, r); }, record);
        }
      }
    }
  }

 private:
  template <typename R>
  void on(const Record&, const R&) {}
  void on(const Record&, const record::Start&) { view_ = nullptr; }
  void on(const Record&, const record::View& r) {
    if (r.g != kDaemons) return;
    view_ = &views_.try_emplace(r.id, r).first->second;
    view_id_ = r.id;
    self_ = view_->rank_of(r.p);
    past_.assign(view_->members->size(), 0);
    if (self_ == past_.size()) view_ = nullptr;
    sessions_.clear();
    ++stay_;
  }
  void on(const Record& record, const record::Send& r) {
    if (is_check_ || view_ == nullptr || !r.daemon_number) return;
    if (daemon_view_of(r.view) != view_id_) return;
    Message& message = view_->messages[self_][*r.daemon_number];
    if (message.stamp != nullptr) return;  // it is for several groups
    message.stamp = &record;
    message.order = r.order;
    message.past = past_;
    if (message.is_causal()) past_[self_] = std::max(past_[self_], *r.daemon_number);
    if (r.order < Order::kFifo) return;
    message.predecessor = std::exchange(sessions_[r.p], *r.daemon_number);
  }
  void on(const Record& record, const record::Deliver& r) {
    if (view_ == nullptr || r.g != kDaemons) return;
    const std::size_t sender = view_->rank_of(r.sender);
    if (sender == past_.size()) return;
    Message& message = view_->messages[sender][r.number];
    if (is_check_) return check(record, sender, message);
    if (message.delivery == nullptr) message.delivery = &record;
    if (message.stamp == nullptr) message.order = r.order;
    if (r.order >= Order::kCausal) past_[sender] = std::max(past_[sender], r.number);
  }

  // In the second round `past_` is how far causes have been looked for.
  void check(const Record& delivery, std::size_t sender, Message& message) {
    if (message.stamp != nullptr && message.is_causal()) {
      for (std::size_t rank = 0; rank < past_.size(); ++rank) require(delivery, message, rank);
    }
    if (message.predecessor != 0) {
      const Message& earlier = view_->messages[sender][message.predecessor];
      if (earlier.delivered != stay_) report("D9", delivery, message, earlier);
    }
    message.delivered = stay_;
  }

  void require(const Record& delivery, const Message& message, std::size_t rank) {
    const auto& causes = view_->messages[rank];
    const std::uint64_t last = message.past[rank];
    for (auto it = causes.upper_bound(past_[rank]); it != causes.end() && it->first <= last; ++it) {
      const Message& cause = it->second;
      if (!cause.is_causal() || cause.delivered == stay_) continue;
      const bool are_total = std::min(cause.order, message.order) >= Order::kTotal;
      report(are_total ? "D15" : "D10", delivery, message, cause);
    }
    past_[rank] = std::max(past_[rank], last);
  }

  void report(const char* property, const Record& delivery, const Message& message,
              const Message& earlier) {
    const std::string& daemon = (*view_->members)[self_];
    findings_.add(earlier.delivery == nullptr ? "D17" : property,
                  daemon + " delivered a message before one that its sender's daemon had " +
                      (property == std::string_view("D9") ? "stamped for the same sender earlier"
                                                          : "stamped or delivered before it"),
                  {earlier.stamp, earlier.delivery, message.stamp, &delivery});
  }

  const Run& run_;
  Findings& findings_;
  bool is_check_ = false;
  std::map<std::string_view, DaemonView> views_;
  // Where the trace is that is being read.
  DaemonView* view_ = nullptr;
  std::string_view view_id_;
  std::size_t self_ = 0;
  VectorTime past_;
  std::map<std::string_view, std::uint64_t> sessions_;  // the last message of each
  std::uint32_t stay_ = 0;
};

}  // namespace

void check_daemon_order(const History& daemons, Findings& findings) {
  DaemonOrderCheck(daemons.run(), findings).run();
}

}  // namespace groupcomm::verify
