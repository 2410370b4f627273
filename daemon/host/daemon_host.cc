#include "daemon/host/daemon_host.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "daemon/host/client_links.h"
#include "daemon/host/daemon_trace.h"
#include "daemon/host/descriptor_shares.h"
#include "daemon/host/event_loop.h"
#include "daemon/host/file_lock.h"
#include "daemon/host/log.h"
#include "daemon/host/peer_links.h"
#include "daemon/host/record_store.h"
#include "daemon/host/socket_context.h"
#include "daemon/host/stop_signals.h"
#include "daemon/host/unread_bytes.h"
#include "daemon/verify/trace_file.h"

namespace groupcomm::daemon {
namespace {

constexpr int kCannotStart = 2;
// What the last frames to peers and clients get when the daemon ends.
constexpr auto kLinger = std::chrono::milliseconds(200);

// More than a client or a peer that keeps to its window can have under way: the window, the largest
// message on top, and as much again for what is repeated and for peers that are configured with
// larger windows.
std::uint64_t unread_bytes_max(const DaemonOptions& options) {
  return 2 * (kPayloadBytesMax + std::max(options.window_bytes, options.client_window_bytes));
}

int refuse(Log& log, const std::string& why) {
  log.error(why);
  return kCannotStart;
}

// Each client takes two descriptors: as many as may be.
void share_descriptors(std::size_t peers) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  set_descriptor_shares(shares_of(limit.rlim_cur, peers));
}

// `log` must outlive it.
Result<std::unique_ptr<DaemonTrace>> open_trace(const Options& options, Log& log) {
  const verify::TraceHeader header{verify::Role::kDaemon, options.core.self.name};
  const auto on_end = [&log, path = options.trace](const std::string& why) {
    log.error("cannot write the trace " + path + ": " + why + "; it ends here, the daemon goes on");
  };
  auto file = verify::FileTraceWriter::open(options.trace, header, on_end);
  if (!file.ok()) return Failure{file.error()};
  return std::make_unique<DaemonTrace>(std::move(file).value());
}

// The state directory, locked and with a readable record in it.
Result<RecordStore> open_records(const std::string& directory) {
  auto records = RecordStore::open(directory);
  if (!records.ok()) return Failure{records.error()};
  const auto record = records.value().load();
  if (record.ok()) return records;
  return Failure{record.error() +
                 ". It holds this daemon's votes: restore it, or start the daemon "
                 "as a replacement (OPERATIONS.md, A lost state directory)"};
}

}  // namespace

int run_daemon(const Options& options) {
  Log log(options.log_level);
  StopSignals signals;
  share_descriptors(options.core.peers.size());
  set_unread_bytes_max(unread_bytes_max(options.core));
  HostCounters counters;

  auto lock = ClientLinks::lock(options.socket);
  if (!lock.ok()) return refuse(log, lock.error());
  std::optional<RecordStore> records;
  if (!options.state_dir.empty()) {
    auto opened = open_records(options.state_dir);
    if (!opened.ok()) return refuse(log, opened.error());
    records = std::move(opened).value();
  }
  std::unique_ptr<DaemonTrace> trace;
  if (!options.trace.empty()) {
    auto opened = open_trace(options, log);
    if (!opened.ok()) return refuse(log, opened.error());
    trace = std::move(opened).value();
  }

  SocketContext context;
  PeerLinks peers(context.get(), counters, log);
  if (!options.listen.empty()) {
    const auto bound = peers.bind(parse_tcp_address(options.listen).value());
    if (!bound.ok())
      return refuse(log, "cannot listen on " + options.listen + ": " + bound.error());
  }
  auto opened_clients = ClientLinks::open(context, options.socket, counters, log);
  if (!opened_clients.ok()) return refuse(log, opened_clients.error());
  ClientLinks& clients = *opened_clients.value();
  log.info("serves clients on " + options.socket +
           (options.listen.empty() ? std::string(", no peers") : ", peers on " + options.listen));
  if (options.advertises_host_name) {
    log.warning("listens on every address, and tells peers that it is at " + options.core.address +
                ", which may mean nothing to them: set listen to one address, or put this daemon "
                "among the peers, too");
  }

  DaemonOptions core = options.core;
  core.version = GROUPCOMM_VERSION;
  EventLoop loop(EventLoop::Parts{clients, peers, records ? &*records : nullptr, trace.get(),
                                  signals, counters, log},
                 core);
  const int exit_code = loop.run();
  peers.linger(kLinger);
  clients.linger(kLinger);
  log.info("ends with exit code " + std::to_string(exit_code));
  return exit_code;
}

}  // namespace groupcomm::daemon
