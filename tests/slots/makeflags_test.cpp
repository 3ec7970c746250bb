#include "agent/slots/makeflags.hpp"

#include <gtest/gtest.h>

namespace agent::slots {
namespace {

std::string with_ours(std::string_view flags) {
  return with_jobserver(flags, {.read = 8, .write = 9});
}

TEST(MakeFlags, NameTheJobserver) {
  EXPECT_EQ(with_ours(""), " -j --jobserver-auth=8,9");
}

TEST(MakeFlags, KeepTheirLetters) {
  EXPECT_EQ(with_ours("n"), "n -j --jobserver-auth=8,9");
  EXPECT_EQ(with_ours("kns"), "kns -j --jobserver-auth=8,9");
}

TEST(MakeFlags, LoseTheJobserverBefore) {
  EXPECT_EQ(with_ours("ks -j4 --jobserver-auth=3,4"), "ks -j --jobserver-auth=8,9");
  EXPECT_EQ(with_ours(" -j4 --jobserver-auth=fifo:/tmp/GMfifo1"), " -j --jobserver-auth=8,9");
  EXPECT_EQ(with_ours("-j --jobserver-fds=3,4 --jobserver-auth=3,4"), " -j --jobserver-auth=8,9");
}

TEST(MakeFlags, LoseHowManyJobsTheUserSaid) {
  for (const auto* said : {"-j8", "-j 8", "-j", "--jobs=8", "--jobs 8", " -j8"}) {
    EXPECT_EQ(with_ours(said), " -j --jobserver-auth=8,9") << said;
  }
}

TEST(MakeFlags, KeepOtherOptions) {
  EXPECT_EQ(with_ours(" -j4 -l2 -I../mk --no-print-directory --jobserver-auth=3,4 --trace"),
            " -l2 -I../mk --no-print-directory --trace -j --jobserver-auth=8,9");
  EXPECT_EQ(with_ours("-k -l 3"), " -k -l 3 -j --jobserver-auth=8,9");
}

TEST(MakeFlags, KeepVariablesAfterTheOptions) {
  EXPECT_EQ(with_ours("n -j4 --jobserver-auth=3,4 -- CFLAGS=-O2\\ -j8 X=-j4"),
            "n -j --jobserver-auth=8,9 -- CFLAGS=-O2\\ -j8 X=-j4");
  EXPECT_EQ(with_ours(" -- X=1"), " -j --jobserver-auth=8,9 -- X=1");
  EXPECT_EQ(with_ours("X=1\\ -j4"), "X=1\\ -j4 -j --jobserver-auth=8,9");
}

}  // namespace
}  // namespace agent::slots
