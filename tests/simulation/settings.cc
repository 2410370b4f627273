#include "tests/simulation/settings.h"

#include <array>
#include <charconv>
#include <type_traits>

#include "tests/simulation/network.h"

namespace groupcomm::simulation {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<protocol::PeerBody>> kFrameKinds = {
    "Batch", "Nack",          "Repair",  "Heartbeat", "Beacon",  "Prepare",
    "State", "BallotRefused", "Propose", "Accept",    "Install", "InstallRequest"};
constexpr std::array<std::string_view, 5> kActions = {"crash", "pause", "cut", "leave", "storm"};
constexpr std::array<std::string_view, 3> kVictims = {"sender", "receiver", "other"};

constexpr std::uint64_t kMicrosecondsMax = 1'000'000'000'000;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

template <std::size_t N>
std::size_t place_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

// --- values to texts and back --------------------------------------------------------------------

std::string write(std::uint64_t value) { return std::to_string(value); }
bool read(const std::string& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// In microseconds, or with "ns" behind it.
std::string write(const Duration& value) {
  const auto ns = value.count();
  return ns % 1000 == 0 ? std::to_string(ns / 1000) : std::to_string(ns) + "ns";
}
bool read(const std::string& text, Duration& value) {
  const bool is_ns = text.size() > 2 && text.substr(text.size() - 2) == "ns";
  std::uint64_t number = 0;
  if (!read(is_ns ? text.substr(0, text.size() - 2) : text, number)) return false;
  if (number > (is_ns ? 1000 : 1) * kMicrosecondsMax) return false;
  value = is_ns ? Duration(number) : std::chrono::microseconds(number);
  return true;
}

std::string write(const std::set<std::uint64_t>& values) {
  std::string text;
  for (const std::uint64_t value : values) text += (text.empty() ? "" : ",") + write(value);
  return text.empty() ? "0" : text;
}
bool read(const std::string& text, std::set<std::uint64_t>& values) {
  values.clear();
  for (const std::string& part : split(text, ',')) {
    std::uint64_t value = 0;
    if (!read(part, value)) return false;
    if (value > 0) values.insert(value);
  }
  return true;
}

std::string write(const std::vector<Order>& orders) {
  std::string text;
  for (const Order order : orders) text += (text.empty() ? "" : ",") + to_string(order);
  return text;
}
bool read(const std::string& text, std::vector<Order>& orders) {
  orders.clear();
  for (const std::string& part : split(text, ',')) {
    const auto order = parse_order(part);
    if (!order.ok()) return false;
    orders.push_back(order.value());
  }
  return !orders.empty();
}

std::string write(const std::vector<Trigger>& triggers) {
  std::string text;
  for (const Trigger& t : triggers) {
    text += (text.empty() ? "" : ",") + std::string(kFrameKinds[t.frame_kind]) + ":" +
            std::string(kActions[static_cast<std::size_t>(t.action)]) + ":" +
            std::string(kVictims[static_cast<std::size_t>(t.victim)]) + ":" + write(t.chance) +
            ":" + std::to_string(t.times);
  }
  return text.empty() ? "0" : text;
}
bool read(const std::string& text, std::vector<Trigger>& triggers) {
  triggers.clear();
  if (text == "0") return true;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> words = split(part, ':');
    if (words.size() != 5) return false;
    Trigger trigger;
    trigger.frame_kind = frame_kind(words[0]);
    const std::size_t action = place_of(kActions, words[1]);
    const std::size_t victim = place_of(kVictims, words[2]);
    std::uint64_t times = 0;
    if (trigger.frame_kind == kFrameKinds.size() || action == kActions.size() ||
        victim == kVictims.size() || !read(words[3], trigger.chance) || !read(words[4], times)) {
      return false;
    }
    trigger.action = static_cast<TriggeredAction>(action);
    trigger.victim = static_cast<TriggeredVictim>(victim);
    trigger.times = static_cast<int>(times);
    triggers.push_back(trigger);
  }
  return true;
}

// --- the list ------------------------------------------------------------------------------------

template <typename Field>
Setting make(std::string name, SettingRole role, Field field) {
  Setting setting;
  setting.name = std::move(name);
  setting.role = role;
  using T = std::decay_t<decltype(field(std::declval<Plan&>()))>;
  constexpr bool is_number = std::is_integral_v<T> || std::is_enum_v<T>;
  setting.text = [field](const Plan& plan) {
    const auto& value = field(const_cast<Plan&>(plan));
    if constexpr (is_number) {
      return write(static_cast<std::uint64_t>(value));
    } else {
      return write(value);
    }
  };
  setting.read = [field](Plan& plan, const std::string& text) {
    auto& value = field(plan);
    if constexpr (is_number) {
      std::uint64_t number = 0;
      if (!read(text, number)) return false;
      value = static_cast<T>(number);
      return true;
    } else {
      return read(text, value);
    }
  };
  return setting;
}

#define SETTING(role, name) \
  make(                     \
      #name, SettingRole::role, [](Plan & plan) -> auto& { return plan.name; })

std::vector<Setting> plan_settings() {
  return {SETTING(kOther, seed),
          SETTING(kSize, daemons),
          SETTING(kFault, strangers),
          SETTING(kSize, clients),
          SETTING(kSize, groups),
          SETTING(kFault, one_channel),
          SETTING(kFault, uniform_groups),
          SETTING(kFault, flush_groups),
          SETTING(kFault, client.late_answers),
          SETTING(kFault, client.no_answers),
          SETTING(kSize, unsafe_weather),
          SETTING(kOther, settle_bound),
          SETTING(kFault, settles_with_loss),
          SETTING(kFault, long_quiet),
          SETTING(kFault, random_core),
          SETTING(kFault, wrong_words),
          SETTING(kOther, planted_failure),
          SETTING(kFault, triggers),
          SETTING(kOther, skipped_faults),
          SETTING(kOther, skipped_sends)};
}

std::vector<Setting> network_settings() {
  return {SETTING(kOther, network.delay),       SETTING(kFault, network.reorders),
          SETTING(kFault, network.loss),        SETTING(kFault, network.duplicates),
          SETTING(kFault, network.replays),     SETTING(kFault, network.late_replays),
          SETTING(kFault, network.long_delays), SETTING(kFault, network.damages),
          SETTING(kFault, network.cut_every),   SETTING(kOther, network.cut_for),
          SETTING(kOther, network.cut_shape),   SETTING(kFault, network.clog_every),
          SETTING(kOther, network.clog_for),    SETTING(kFault, network.capacity)};
}

std::vector<Setting> daemon_settings() {
  return {SETTING(kFault, daemon.crash_every),        SETTING(kOther, daemon.restart_after),
          SETTING(kFault, daemon.pause_every),        SETTING(kOther, daemon.pause_for),
          SETTING(kFault, daemon.leave_every),        SETTING(kFault, daemon.crash_midway),
          SETTING(kFault, daemon.crash_loses),        SETTING(kFault, daemon.crash_again),
          SETTING(kFault, daemon.secret_every),       SETTING(kFault, daemon.agreement_every),
          SETTING(kFault, daemon.unknown_names),      SETTING(kFault, daemon.refusal_noticed),
          SETTING(kFault, daemon.timers_late),        SETTING(kFault, daemon.mass_restart),
          SETTING(kFault, daemon.mass_leave),         SETTING(kFault, daemon.lie_every),
          SETTING(kFault, daemon.stays_down),         SETTING(kFault, daemon.clock_drift),
          SETTING(kFault, daemon.newer_wire),         SETTING(kFault, daemon.bootstrap_every),
          SETTING(kFault, daemon.incarnation_base),   SETTING(kFault, daemon.session_base),
          SETTING(kFault, daemon.incarnations_alike), SETTING(kFault, daemon.view_base),
          SETTING(kFault, daemon.round_base)};
}

std::vector<Setting> client_settings() {
  return {SETTING(kOther, client.think),         SETTING(kFault, client.crash_every),
          SETTING(kFault, client.pause_every),   SETTING(kOther, client.pause_for),
          SETTING(kFault, client.bye_every),     SETTING(kFault, client.churn),
          SETTING(kFault, client.storms),        SETTING(kFault, client.open_sends),
          SETTING(kFault, client.multi_sends),   SETTING(kFault, client.to_one),
          SETTING(kFault, client.self_discards), SETTING(kFault, client.safe_notices),
          SETTING(kFault, client.calls_again),   SETTING(kFault, client.queries),
          SETTING(kFault, client.other_options), SETTING(kFault, client.newer_wire),
          SETTING(kFault, client.large),         SETTING(kFault, client.bursts),
          SETTING(kOther, client.orders)};
}

std::vector<Setting> option_settings() {
  return {SETTING(kOther, options.engine),
          SETTING(kFault, options.partitionable),
          SETTING(kOther, options.heartbeat),
          SETTING(kOther, options.suspect),
          SETTING(kOther, options.window_messages),
          SETTING(kOther, options.window_bytes),
          SETTING(kOther, options.client_window_messages),
          SETTING(kOther, options.client_queue_bytes),
          SETTING(kOther, options.batch_bytes)};
}

#undef SETTING

std::vector<Setting> all_settings() {
  std::vector<Setting> all;
  for (auto part :
       {plan_settings, network_settings, daemon_settings, client_settings, option_settings}) {
    for (Setting& setting : part()) all.push_back(std::move(setting));
  }
  return all;
}

std::string_view part_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? "plan" : name.substr(0, dot);
}

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> kAll = all_settings();
  return kAll;
}

std::string to_string(const Plan& plan) {
  const Plan quiet = quiet_plan();
  std::string text;
  std::string_view part;
  for (const Setting& setting : settings()) {
    const std::string value = setting.text(plan);
    if (value == setting.text(quiet) && setting.role != SettingRole::kSize) continue;
    const bool is_new_line = part_of(setting.name) != part;
    part = part_of(setting.name);
    text += is_new_line ? (text.empty() ? "set" : "\nset") : "";
    text += " " + setting.name + "=" + value;
  }
  return text + "\n";
}

Result<bool> read_setting(Plan& plan, std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  for (const Setting& setting : settings()) {
    if (setting.name != name || equals == std::string_view::npos) continue;
    if (setting.read(plan, std::string(text.substr(equals + 1)))) return true;
    return Failure{"no value of " + setting.name + ": \"" + std::string(text) + "\""};
  }
  return Failure{"no setting \"" + std::string(text) + "\""};
}

std::string why_unplayable(const Plan& plan) {
  constexpr std::size_t kNodesMax = 1000;
  const daemon::DaemonOptions& options = plan.options;
  const std::pair<bool, const char*> rules[] = {
      {plan.daemons > 0 && plan.daemons <= protocol::kDaemonsMax, "daemons: 1 to 64"},
      {plan.strangers < plan.daemons, "strangers: fewer than daemons"},
      {plan.clients <= kNodesMax, "clients: 1000 at most"},
      {plan.groups > 0 && plan.groups <= kNodesMax, "groups: 1 to 1000"},
      {plan.uniform_groups <= plan.groups, "uniform_groups: no more than groups"},
      {plan.flush_groups <= plan.groups, "flush_groups: no more than groups"},
      {plan.unsafe_weather > Duration{}, "unsafe_weather: more than 0"},
      {plan.settle_bound > Duration{}, "settle_bound: more than 0"},
      {plan.client.think > Duration{}, "client.think: more than 0"},
      {plan.daemon.unknown_names <= kNodesMax, "daemon.unknown_names: 1000 at most"},
      {plan.network.cut_shape <= Network::kCutShapes, "network.cut_shape: 0 to 7"},
      {options.engine <= daemon::TotalOrderEngine::kLamport, "options.engine: 0 or 1"},
      {options.heartbeat >= std::chrono::milliseconds(1), "options.heartbeat: 1000 at least"},
      {options.suspect >= 2 * options.heartbeat, "options.suspect: twice options.heartbeat"},
      {options.window_messages > 0, "options.window_messages: more than 0"},
      {options.window_bytes > 0, "options.window_bytes: more than 0"},
      {options.client_window_messages > 0, "options.client_window_messages: more than 0"},
      {options.client_queue_bytes > 0, "options.client_queue_bytes: more than 0"},
      {options.batch_bytes > 0, "options.batch_bytes: more than 0"},
  };
  for (const auto& [is_kept, rule] : rules) {
    if (!is_kept) return std::string("out of range: ") + rule;
  }
  for (const Setting& setting : settings()) {
    Duration pause{};
    if (!setting.name.ends_with("_every") || !read(setting.text(plan), pause)) continue;
    if (pause > Duration{} && pause < std::chrono::milliseconds(1)) {
      return "out of range: " + setting.name + ": 0, or 1000 at least";
    }
  }
  return "";
}

Plan quiet_plan() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Plan plan;
  plan.seed = 1;
  plan.clients = 3;
  plan.groups = 1;
  plan.unsafe_weather = seconds(5);
  plan.settle_bound = seconds(30);
  plan.network.delay = milliseconds(1);
  plan.daemon.restart_after = seconds(60);
  plan.daemon.pause_for = seconds(60);
  plan.daemon.stays_down = 1'000'000;  // until the weather ends
  plan.client.think = milliseconds(100);
  plan.client.orders = {Order::kTotal};
  plan.options.version = "simulated";
  plan.options.report_all_deliveries = true;
  return plan;
}

std::size_t frame_kind(std::string_view name) { return place_of(kFrameKinds, name); }
std::string_view frame_kind_name(std::size_t kind) { return kFrameKinds[kind]; }

}  // namespace groupcomm::simulation
