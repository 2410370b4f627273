// Probes: marks at branches that are rarely taken, so that the simulator can say how often each was
// reached, and which never.
//
//   PROBE("E3: place known to one survivor, data to another");
//
// A probe counts and does nothing else; nothing in the program can ask for the count, so that what
// the pure parts do never depends on it. Without GROUPCOMM_PROBES it is compiled to nothing.
// Write one only in functions of .cc files that are no templates.
#pragma once

#ifdef GROUPCOMM_PROBES

#include <cstdint>

namespace groupcomm {

struct Probe {
  const char* text;
  const char* file;
  std::uint64_t count;
};

}  // namespace groupcomm

// Pointers to all probes of a program lie side by side in one section of it, also to those that
// are never hit.
#define PROBE(probe_text)                                                                 \
  do {                                                                                    \
    static constinit ::groupcomm::Probe probe_site{probe_text, __FILE__, 0};              \
    __attribute__((section("groupcomm_probes"),                                           \
                   used)) static constinit ::groupcomm::Probe* probe_entry = &probe_site; \
    ++probe_site.count;                                                                   \
  } while (false)

#else

#define PROBE(probe_text) static_cast<void>(0)

#endif
