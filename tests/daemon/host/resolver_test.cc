#include "daemon/host/resolver.h"

#include <gtest/gtest.h>

#include "tests/daemon/host/waiting.h"

namespace groupcomm::daemon {
namespace {

TEST(Resolver, AnswersEachQuestion) {
  Resolver resolver;
  resolver.ask("127.0.0.1");
  resolver.ask("::1");
  std::map<std::string, std::optional<std::string>> answers;
  EXPECT_TRUE(wait_until({resolver.descriptor()}, [&] {
    for (const auto& answer : resolver.take_answers()) answers[answer.host] = answer.address;
    return answers.size() == 2;
  }));
  EXPECT_EQ(answers.at("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(answers.at("::1"), "::1");
}

TEST(Resolver, PrefersIpv4) { EXPECT_EQ(resolve_host("localhost"), "127.0.0.1"); }

TEST(Resolver, SaysWhereANameDoesNotResolve) {
  EXPECT_EQ(resolve_host(std::string(300, 'x')), std::nullopt);
}

TEST(Resolver, HasNoAnswersUnasked) {
  Resolver resolver;
  EXPECT_TRUE(resolver.take_answers().empty());
}

}  // namespace
}  // namespace groupcomm::daemon
