#include "daemon/verify/trace.h"

#include <algorithm>
#include <utility>

namespace groupcomm::verify {

std::string member_name(std::string_view process, std::uint32_t joins) {
  std::string name(process);
  if (joins > 1) name += "~" + std::to_string(joins);
  return name;
}

std::string member_name(const GroupMember& member) {
  return member_name(to_string(member.process), member.joins);
}

std::pair<std::string_view, std::uint32_t> split_member(std::string_view member) {
  // A process's name may itself hold '~'; what stands behind the last '#' may not.
  const std::size_t tilde = member.rfind('~');
  const std::size_t hash = member.rfind('#');
  if (tilde == std::string_view::npos || hash == std::string_view::npos || tilde < hash) {
    return {member, 1};
  }
  std::uint32_t joins = 0;
  for (const char c : member.substr(tilde + 1)) {
    joins = joins * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return {member.substr(0, tilde), joins};
}

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x9fb21c651e98df25;
  return state ^ (state >> 32);
}

// The same on every machine: the first byte is the lowest.
std::uint64_t word_at(const std::byte* bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kWord; ++i) {
    word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return word;
}

}  // namespace

void PayloadHash::add(std::span<const std::byte> bytes) {
  const auto add_byte = [this](std::byte byte) {
    word_ |= std::to_integer<std::uint64_t>(byte) << (8 * (size_++ % kWord));
    if (size_ % kWord == 0) state_ = mix(state_, std::exchange(word_, 0));
  };
  std::size_t i = 0;
  for (; i < bytes.size() && size_ % kWord != 0; ++i) add_byte(bytes[i]);
  const std::size_t words = (bytes.size() - i) / kWord;
  std::uint64_t state = state_;
  for (std::size_t k = 0; k < words; ++k, i += kWord) state = mix(state, word_at(&bytes[i]));
  state_ = state;
  size_ += words * kWord;
  for (; i < bytes.size(); ++i) add_byte(bytes[i]);
}

std::uint64_t PayloadHash::value() const {
  std::uint64_t hash = mix(mix(state_, word_), size_);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

std::uint64_t payload_hash(std::span<const std::byte> bytes) {
  PayloadHash hash;
  hash.add(bytes);
  return hash.value();
}

namespace {

std::string name_in(const std::vector<GroupMember>& members, const ProcessId& process) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const GroupMember& member) {
    return member.process.key == process.key;
  });
  return found == members.end() ? to_string(process) : member_name(*found);
}

}  // namespace

record::View view_record(const ProcessId& self, std::string_view group, const GroupView& view,
                         const GroupView* previous, GroupOptions options) {
  record::View out;
  out.p = name_in(view.members, self);
  out.g = group;
  out.id = to_string(view.id);
  for (const GroupMember& member : view.members) out.members.push_back(member_name(member));
  out.primary = view.primary;
  out.recovered = view.recovered;
  out.uniform = options.uniform;
  out.flush = options.flush;
  for (const ProcessId& joined : view.joined) out.joined.push_back(name_in(view.members, joined));
  for (const Departed& left : view.left) {
    const std::string name =
        previous == nullptr ? to_string(left.process) : name_in(previous->members, left.process);
    out.left.push_back({.member = name, .reason = to_string(left.reason)});
  }
  for (const ProcessId& along : view.transitional) {
    out.transitional.push_back(name_in(view.members, along));
  }
  return out;
}

}  // namespace groupcomm::verify
