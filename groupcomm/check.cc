#include "groupcomm/check.h"

#include <cstdio>
#include <cstdlib>

namespace groupcomm {

void check_failed(const char* file, int line, const char* expression, const std::string& operands) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s%s%s%s\n", file, line, expression,
               operands.empty() ? "" : " (", operands.c_str(), operands.empty() ? "" : ")");
  std::fflush(stderr);
  std::abort();
}

}  // namespace groupcomm
