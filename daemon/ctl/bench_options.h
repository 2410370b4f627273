// The options that say what is measured, whatever it is measured on.
#pragma once

#include <CLI/CLI.hpp>

#include "daemon/ctl/bench_work.h"

namespace groupcomm::ctl {

void add_bench_work(CLI::App& app, BenchWork& work);

}  // namespace groupcomm::ctl
