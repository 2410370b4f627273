// The end of a run: what the traces say of it.
#include "tests/simulation/judge.h"

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "daemon/verify/trace.h"
#include "tests/simulation/simulator.h"

namespace groupcomm::simulation {

void mix_trace(Scene& scene, const verify::Trace& trace) {
  const auto mix = [&](const std::string& line) {
    verify::PayloadHash hash;
    hash.add(std::as_bytes(std::span(line)));
    scene.mix(hash.value());
  };
  mix(verify::to_line(trace.header));
  for (const verify::Record& record : trace.records) mix(verify::to_line(record));
}

namespace {

// Without a quorum there is no view, unless the policy says so; and where there are such views, the
// checks ask for less.
std::string view_of_other_policy(const std::vector<verify::Trace>& traces) {
  for (const verify::Trace& trace : traces) {
    for (const verify::Record& record : trace.records) {
      const auto* view = std::get_if<verify::record::View>(&record);
      if (view != nullptr && !view->primary) return view->p + " is in " + view->id;
    }
  }
  return "";
}

}  // namespace

void Simulator::note_counters() {
  static const std::set<std::string_view> kNoted = {"client_requests_rejected", "clients_evicted",
                                                    "frames_refused"};
  for (const auto& daemon : daemons_) {
    if (!daemon->is_up()) continue;
    for (const auto& [name, value] : daemon->status().counters) {
      if (value == 0 || !kNoted.contains(name)) continue;
      const std::size_t all = daemon->traces().back().records.size();
      const std::string id = to_string(daemon->id());
      scene_.note({id, all, id, "counts " + std::string(name) + " " + std::to_string(value)});
    }
  }
}

void Simulator::judge(Outcome& outcome, bool settled) {
  note_counters();
  if (const std::string what = unplayed(); !what.empty()) scene_.complain(what);
  verify::Run run;
  run.converged = settled;
  run.leavers.emplace();
  for (std::size_t i = 0; i < daemons_.size(); ++i) {
    for (verify::Trace& trace : daemons_[i]->traces()) run.traces.push_back(std::move(trace));
    if (!core_.contains(i)) run.unsettled_daemons.insert(to_string(daemons_[i]->id()));
    run.leavers->insert(daemons_[i]->farewells().begin(), daemons_[i]->farewells().end());
  }
  std::vector<const verify::Trace*> of_clients;
  for (const auto& client : clients_) of_clients.push_back(&client->trace());
  if (const std::string why = notices_.too_early(of_clients); !why.empty()) {
    outcome.verdict += "D16 violated: " + why + "\n";
  }
  for (const auto& client : clients_) {
    run.traces.push_back(std::move(client->trace()));
    run.leavers->insert(client->farewells().begin(), client->farewells().end());
  }
  for (std::size_t i = 0; i < plan_.uniform_groups; ++i) {
    run.uniform_groups.insert(group_name(plan_, i));
  }
  for (std::size_t i = plan_.groups - plan_.flush_groups; i < plan_.groups; ++i) {
    run.flush_groups.insert(group_name(plan_, i));
  }
  // (Where the network parts again, it is not quiet.)
  if (const std::string why = too_many_views(); !plan_.wrong_words && !why.empty()) {
    outcome.verdict += "L6 violated: " + why + "\n";
  }
  const std::string secondary = view_of_other_policy(run.traces);
  if (!plan_.options.partitionable && !secondary.empty()) {
    scene_.complain("policy: " + secondary + ", which is not primary");
  }
  watch_.on_end(run.traces);
  const verify::Verdict verdict = verify::check(run);
  for (const verify::Trace& trace : run.traces) mix_trace(scene_, trace);
  outcome.traces = std::move(run.traces);
  for (const std::string& complaint : scene_.complaints()) {
    outcome.verdict += "complaint: " + complaint + "\n";
  }
  if (!verdict.violations.empty()) outcome.verdict += to_text(verdict);
  outcome.passed = outcome.verdict.empty();
  outcome.digest = scene_.digest();
  outcome.faults = scene_.faults();
  outcome.sends = scene_.sent();
  outcome.counters = scene_.counters();
  outcome.cells = scene_.cells();
  outcome.notes = scene_.notes();
}

}  // namespace groupcomm::simulation
