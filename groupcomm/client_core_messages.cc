// ClientCore's reactions to the daemon's messages, one function each.
#include <algorithm>
#include <utility>

#include "groupcomm/check.h"
#include "groupcomm/client_core.h"
#include "groupcomm/protocol/queue_cost.h"

namespace groupcomm {
namespace {

Failure broken(std::string what) { return Failure{"the daemon " + std::move(what)}; }

}  // namespace

Result<std::monostate> ClientCore::on_daemon_messages(
    std::vector<protocol::DaemonMessage> messages) {
  for (protocol::DaemonMessage& message : messages) {
    if (!is_open()) break;
    const bool is_greeting = std::holds_alternative<protocol::Welcome>(message) ||
                             std::holds_alternative<protocol::Refused>(message);
    const bool is_end = std::holds_alternative<protocol::Disconnect>(message);
    if (!is_end && is_greeting != (phase_ == Phase::kConnecting)) {
      return broken(is_greeting ? "sent a second welcome" : "sent a message before its welcome");
    }
    received_bytes_ += protocol::queue_cost(message);
    auto outcome = std::visit([this](auto& content) { return on_message(content); }, message);
    if (outcome) return *std::move(outcome);
  }
  return std::monostate{};
}

ClientCore::Outcome ClientCore::on_message(protocol::Welcome& message) {
  if (message.protocol_version != protocol::kProtocolVersion) {
    return broken("speaks protocol version " + std::to_string(message.protocol_version) +
                  ", this library version " + std::to_string(protocol::kProtocolVersion));
  }
  phase_ = Phase::kConnected;
  process_ = message.process;
  window_messages_ = message.send_window_messages;
  window_bytes_ = message.send_window_bytes;
  queue_bytes_ = message.queue_bytes;
  upcalls_.emplace_back(upcall::Connected{.process = std::move(message.process),
                                          .daemon_version = std::move(message.daemon_version)});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::Refused& message) {
  on_disconnected("refused by the daemon: " + message.reason);
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::Disconnect& message) {
  on_disconnected(message.reason);
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::Accepted& message) {
  if (message.up_to > last_request_) {
    return broken("accepts request " + to_string(message.up_to) + ", which was never made");
  }
  const auto accept = [this](GroupState& group, RequestId request) {
    upcalls_.emplace_back(
        upcall::Accepted{.request = request, .group = group.name, .number = ++group.accepted});
  };
  while (!pending_sends_.empty() && pending_sends_.front().request <= message.up_to) {
    const PendingSend& send = pending_sends_.front();
    if (!send.rejected) {
      CHECK(unaccepted_messages_ > 0);
      CHECK_LE(send.bytes, unaccepted_bytes_);
      --unaccepted_messages_;
      unaccepted_bytes_ -= send.bytes;
      accept(*send.group, send.request);
      for (GroupState* group : send.more_groups) accept(*group, send.request);
    }
    pending_sends_.pop_front();
  }
  return std::nullopt;
}

void ClientCore::tell_rejected(const protocol::Rejected& message, const std::string& group) {
  upcalls_.emplace_back(
      upcall::Rejected{.request = message.request, .group = group, .reason = message.reason});
}

bool ClientCore::reject_send(const protocol::Rejected& message) {
  const auto send = std::lower_bound(
      pending_sends_.begin(), pending_sends_.end(), message.request,
      [](const PendingSend& pending, RequestId request) { return pending.request < request; });
  if (send == pending_sends_.end() || send->request != message.request || send->rejected) {
    return false;
  }
  send->rejected = true;
  --unaccepted_messages_;
  unaccepted_bytes_ -= send->bytes;
  const GroupState* named = find_group(message.group);
  const bool is_only_group = send->more_groups.empty();
  tell_rejected(message, named != nullptr ? named->name
                         : is_only_group  ? send->group->name
                                          : std::string());
  while (!pending_sends_.empty() && pending_sends_.front().rejected) pending_sends_.pop_front();
  return true;
}

void ClientCore::end_wishes(GroupState& group, WishPointer begin, WishPointer end) {
  joins_under_way_ -= static_cast<std::size_t>(
      std::count_if(begin, end, [](const Wish& wish) { return wish.is_join; }));
  group.wishes.erase(begin, end);
}

bool ClientCore::reject_wish(const protocol::Rejected& message, GroupState& group) {
  if (group.block_ok == message.request) {
    group.block_ok = {};
    tell_rejected(message, group.name);
    return true;
  }
  const auto wish =
      std::find_if(group.wishes.begin(), group.wishes.end(),
                   [&](const Wish& pending) { return pending.request == message.request; });
  if (wish == group.wishes.end()) return false;
  end_wishes(group, wish, wish + 1);
  tell_rejected(message, group.name);
  return true;
}

ClientCore::Outcome ClientCore::on_message(protocol::Rejected& message) {
  if (!message.request) return broken("rejects a request without a number");
  if (reject_send(message)) return std::nullopt;
  for (auto& [key, group] : groups_) {
    if (reject_wish(message, group)) return std::nullopt;
  }
  return broken("rejects request " + to_string(message.request) + ", which is not pending");
}

ClientCore::Outcome ClientCore::on_message(protocol::SendFail& message) {
  const GroupState* group = find_group(message.group);
  if (group == nullptr) return broken("reports a failed send to an unknown group");
  if (message.number > group->accepted) {
    return broken("reports that send " + to_string(message.number) + " to \"" + group->name +
                  "\" failed, which was not accepted");
  }
  upcalls_.emplace_back(upcall::SendFailed{.group = group->name, .number = message.number});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::SafeNotice& message) {
  const GroupState* group = find_group(message.group);
  if (group == nullptr) return broken("reports a safe send to an unknown group");
  if (message.number > group->accepted) {
    return broken("reports that send " + to_string(message.number) + " to \"" + group->name +
                  "\" is safe, which was not accepted");
  }
  upcalls_.emplace_back(upcall::Safe{.group = group->name, .number = message.number});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::ViewChanged& message) {
  GroupState* group = find_group(group_key(message.group));
  if (group == nullptr || group->name != message.group) {
    return broken("sent a view of \"" + message.group + "\", which was not joined");
  }
  const GroupView& view = message.view;
  if (view.my_rank >= view.members.size() || view.members[view.my_rank].process != process_) {
    return broken("sent a view of \"" + message.group + "\" that I am not a member of");
  }
  if (!group->view) {
    const auto join = std::find_if(group->wishes.begin(), group->wishes.end(),
                                   [](const Wish& wish) { return wish.is_join; });
    if (join == group->wishes.end()) {
      if (group->was_member) return std::nullopt;
      return broken("sent a view of \"" + message.group + "\", which was not joined");
    }
    group->flush = join->flush;
    group->views_seen = 0;
    end_wishes(*group, group->wishes.begin(), join + 1);
  } else if (view.id <= group->view->id) {
    return broken("sent view " + to_string(view.id) + " of \"" + message.group + "\" after view " +
                  to_string(group->view->id));
  }
  group->view = view;
  ++group->views_seen;
  group->was_member = true;
  end_block(*group);
  group->suspended = false;
  upcalls_.emplace_back(
      upcall::ViewInstalled{.group = group->name, .view = std::move(message.view)});
  return std::nullopt;
}

ClientCore::GroupState* ClientCore::find_membership(GroupKey key, const char* what,
                                                    Outcome& outcome) {
  GroupState* group = find_group(key);
  if (group != nullptr && group->view) return group;
  if (group == nullptr || !group->was_member) {
    outcome = broken(std::string("sent ") + what + " of a group that was not joined");
  }
  return nullptr;
}

ClientCore::Outcome ClientCore::on_message(protocol::Transition& message) {
  Outcome outcome;
  if (const GroupState* group = find_membership(message.group, "a transition", outcome)) {
    upcalls_.emplace_back(
        upcall::Transition{.group = group->name, .transitional = std::move(message.transitional)});
  }
  return outcome;
}

ClientCore::Outcome ClientCore::on_message(protocol::DeliverChunk& message) {
  if (message.payload.size() != protocol::kChunkBytesMax) return broken("sent a chunk cut short");
  chunk_bytes_ += message.payload.size();
  if (chunk_bytes_ > kPayloadBytesMax) return broken("sent a message that is too big");
  chunks_.push_back(std::move(message.payload));
  return std::nullopt;
}

Payload ClientCore::take_assembled(Payload last) {
  if (chunks_.empty()) return last;
  const std::size_t size = chunk_bytes_ + last.size();
  const auto bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  std::byte* end = bytes.get();
  for (const Payload& chunk : chunks_) {
    end = std::copy(chunk.bytes().begin(), chunk.bytes().end(), end);
  }
  std::copy(last.bytes().begin(), last.bytes().end(), end);
  chunks_.clear();
  chunk_bytes_ = 0;
  return Payload(bytes, bytes.get(), size);
}

ClientCore::Outcome ClientCore::on_message(protocol::Deliver& message) {
  if (message.report_soon) awaited_bytes_ = received_bytes_;
  if (chunk_bytes_ + message.payload.size() > kPayloadBytesMax) {
    return broken("sent a message that is too big");
  }
  Outcome outcome;
  const GroupState* group = find_membership(message.group, "a message", outcome);
  if (group == nullptr) {
    chunks_.clear();
    chunk_bytes_ = 0;
    return outcome;
  }
  const std::vector<GroupMember>& members = group->view->members;
  const bool is_member = message.sender_rank < members.size();
  if (!is_member && (message.sender_rank != protocol::kNoRank || !message.sender)) {
    return broken("sent a message of nobody in the view of \"" + group->name + "\"");
  }
  upcalls_.emplace_back(upcall::Delivered{
      .group = group->name,
      .view = group->view->id,
      .message = {.sender = is_member ? members[message.sender_rank].process : *message.sender,
                  .number = message.number,
                  .order = message.order,
                  .payload = take_assembled(std::move(message.payload))},
      .run = std::move(message.run),
  });
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::Block& message) {
  Outcome outcome;
  if (GroupState* group = find_membership(message.group, "a block", outcome)) {
    blocks_to_tell_.push_back(group);
    upcalls_.emplace_back(upcall::Block{.group = group->name});
  }
  return outcome;
}

ClientCore::Outcome ClientCore::on_message(protocol::Suspended& message) {
  Outcome outcome;
  if (GroupState* group = find_membership(message.group, "a suspension", outcome)) {
    group->suspended = true;
    upcalls_.emplace_back(upcall::Suspended{.group = group->name});
  }
  return outcome;
}

void ClientCore::end_block(GroupState& group) {
  group.block_open = false;
  group.block_ok = {};
  std::erase(blocks_to_tell_, &group);
}

void ClientCore::end_membership(GroupState& group, GoneReason reason) {
  group.view.reset();
  end_block(group);
  group.suspended = false;
  upcalls_.emplace_back(upcall::Gone{.group = group.name, .reason = reason});
}

ClientCore::Outcome ClientCore::on_message(protocol::Gone& message) {
  GroupState* group = find_group(message.group);
  if (group == nullptr) return broken("ends a membership of a group that was not joined");
  std::vector<Wish>& wishes = group->wishes;
  if (!group->view) {
    // A join may end before its first view: by a leave, or with the daemon's incarnation.
    if (wishes.empty() || !wishes.front().is_join) {
      if (group->was_member) return std::nullopt;
      return broken("ends a membership of a group that was not joined");
    }
    end_wishes(*group, wishes.begin(), wishes.begin() + 1);
  }
  if (message.reason == GoneReason::kLeft) {
    if (wishes.empty() || wishes.front().is_join) {
      return broken("ends a membership of \"" + group->name + "\" as if asked");
    }
    end_wishes(*group, wishes.begin(), wishes.begin() + 1);
  }
  group->was_member = true;
  end_membership(*group, message.reason);
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::StatusReply& message) {
  upcalls_.emplace_back(
      upcall::Status{.request = message.request, .status = std::move(message.status)});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::GroupsReply& message) {
  upcalls_.emplace_back(
      upcall::Groups{.request = message.request, .groups = std::move(message.groups)});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::BootstrapReply& message) {
  upcalls_.emplace_back(upcall::BootstrapAnswered{.request = message.request,
                                                  .possible = message.possible,
                                                  .without = std::move(message.without),
                                                  .text = std::move(message.text)});
  return std::nullopt;
}

ClientCore::Outcome ClientCore::on_message(protocol::WatchedView& message) {
  upcalls_.emplace_back(
      upcall::Watched{.group = std::move(message.group), .view = std::move(message.view)});
  return std::nullopt;
}

}  // namespace groupcomm
