#include "daemon/host/client_connections.h"

#include <gtest/gtest.h>

namespace groupcomm::daemon {
namespace {

using Sessions = std::vector<SessionId>;

// Everything that ended is taken to have been read.
Sessions ended(ClientConnections& connections) {
  connections.mark_drained();
  return connections.take_ended();
}

TEST(ClientConnections, AreFoundByRoutingIdAndBySession) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.on_accepted(8);
  EXPECT_EQ(connections.open("a", 7, 0, SessionId{1}).session, SessionId{1});
  EXPECT_EQ(connections.open("b", 8, 0, SessionId{2}).session, SessionId{2});
  EXPECT_EQ(connections.find("a")->session, SessionId{1});
  EXPECT_EQ(connections.find(SessionId{2})->routing_id, "b");
  EXPECT_EQ(connections.find("c"), nullptr);
  EXPECT_EQ(connections.session_count(), 2u);
}

TEST(ClientConnections, EndASessionOnlyWhenAllItSentWasRead) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.open("a", 7, 0, SessionId{1});
  connections.on_disconnected(7);
  EXPECT_TRUE(connections.has_undrained());
  EXPECT_EQ(connections.take_ended(), Sessions{});
  EXPECT_NE(connections.find("a"), nullptr);
  EXPECT_EQ(ended(connections), Sessions{SessionId{1}});
  EXPECT_EQ(connections.find("a"), nullptr);
  EXPECT_FALSE(connections.has_undrained());
  EXPECT_EQ(ended(connections), Sessions{});
}

TEST(ClientConnections, EndASessionWhoseFirstFrameIsReadAfterItsConnectionEnded) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.on_disconnected(7);
  connections.open("a", 7, 0, SessionId{1});
  EXPECT_EQ(ended(connections), Sessions{SessionId{1}});
}

TEST(ClientConnections, TellGenerationsOfOneDescriptorApart) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.open("a", 7, 0, SessionId{1});
  connections.on_disconnected(7);
  connections.on_accepted(7);
  connections.open("b", 7, 0, SessionId{2});
  EXPECT_EQ(ended(connections), Sessions{SessionId{1}});
  EXPECT_NE(connections.find("b"), nullptr);
  connections.on_disconnected(7);
  EXPECT_EQ(ended(connections), Sessions{SessionId{2}});
}

TEST(ClientConnections, EndTheElderOfTwoOnOneDescriptor) {
  for (const bool elder_first : {true, false}) {
    ClientConnections connections;
    connections.on_accepted(7);
    connections.on_disconnected(7);
    connections.on_accepted(7);
    const SessionId first = connections.open(elder_first ? "a" : "b", 7, 0, SessionId{1}).session;
    const SessionId second = connections.open(elder_first ? "b" : "a", 7, 0, SessionId{2}).session;
    EXPECT_EQ(ended(connections), Sessions{elder_first ? first : second});
    connections.on_disconnected(7);
    EXPECT_EQ(ended(connections), Sessions{elder_first ? second : first});
  }
}

TEST(ClientConnections, KeepAClosedConnectionUntilItEnds) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.close(connections.open("a", 7, 0, SessionId{1}));
  EXPECT_EQ(connections.session_count(), 0u);
  EXPECT_EQ(connections.find(SessionId{1}), nullptr);
  ASSERT_NE(connections.find("a"), nullptr);
  EXPECT_EQ(connections.find("a")->session, SessionId{});
  EXPECT_TRUE(connections.owns_descriptor(*connections.find("a")));
  connections.on_disconnected(7);
  EXPECT_EQ(ended(connections), Sessions{});
  EXPECT_EQ(connections.find("a"), nullptr);
}

TEST(ClientConnections, BeginToCountAgainAfterCloseAll) {
  ClientConnections connections;
  connections.on_accepted(7);
  connections.on_accepted(8);
  connections.open("a", 7, 0, SessionId{1});
  connections.close_all();
  EXPECT_EQ(connections.open("b", 8, 0, SessionId{1}).session, SessionId{1});
  connections.on_disconnected(7);
  EXPECT_EQ(ended(connections), Sessions{});
  EXPECT_EQ(connections.find(SessionId{1})->routing_id, "b");
}

TEST(ClientConnections, EndOnceThoughItIsSaidTwice) {
  ClientConnections connections;
  connections.on_accepted(7);
  const ClientConnection& connection = connections.open("a", 7, 0, SessionId{1});
  connections.end(connection);
  connections.on_disconnected(7);
  EXPECT_EQ(ended(connections), Sessions{SessionId{1}});
}

TEST(ClientConnections, ServeClientsWithoutAKnownDescriptor) {
  ClientConnections connections;
  const ClientConnection& connection = connections.open("a", -1, 0, SessionId{1});
  EXPECT_FALSE(connections.owns_descriptor(connection));
  EXPECT_EQ(ended(connections), Sessions{});
  connections.end(connection);
  EXPECT_EQ(ended(connections), Sessions{SessionId{1}});
}

}  // namespace
}  // namespace groupcomm::daemon
