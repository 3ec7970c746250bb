#include "agent/backends/builtin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

class OpenStorage : public testing::Test {
protected:
  auto open(std::string_view url) { return open_storage(url, {.clock = clock_, .registry = registry_}); }

  SystemClock clock_;
  metrics::Registry registry_;
  tests::TempFolder folder_;
};

TEST_F(OpenStorage, PicksTheImplementationByScheme) {
  const auto storage = open("disk://" + folder_.path().string());

  ASSERT_THAT(storage, Succeeds());
  EXPECT_EQ((*storage)->describe(), "disk://" + folder_.path().string());
}

TEST_F(OpenStorage, NamesTheKnownSchemesWhenItDoesNotKnowOne) {
  const auto storage = open("ftp://somewhere");

  EXPECT_THAT(storage, FailsWith(Errc::invalid));
  EXPECT_THAT(storage, FailsSaying("ftp://"));
  EXPECT_THAT(storage, FailsSaying("disk://"));
}

TEST_F(OpenStorage, RefusesWhatIsNoUrl) {
  EXPECT_THAT(open("/var/cache"), FailsWith(Errc::invalid));
  EXPECT_THAT(open(""), FailsWith(Errc::invalid));
  EXPECT_THAT(open("://x"), FailsWith(Errc::invalid));
  EXPECT_THAT(open(std::string_view("disk:///a\0b", 11)), FailsWith(Errc::invalid));
}

TEST_F(OpenStorage, RefusesRelativeDiskPaths) {
  EXPECT_THAT(open("disk://cache"), FailsSaying("absolute"));
  EXPECT_THAT(open("disk://"), FailsWith(Errc::invalid));
}

TEST_F(OpenStorage, CountsCalls) {
  const auto storage = open("disk://" + folder_.path().string());
  ASSERT_THAT(storage, Succeeds());

  ASSERT_THAT((*storage)->put_if_absent("a", std::string_view("x")), Succeeds());

  EXPECT_EQ(registry_.total("hearth_backend_calls_total"), 1);
}

TEST(StorageSchemes, AreThoseOfTheTable) {
  EXPECT_THAT(storage_schemes(), testing::Contains("disk"));
}

}  // namespace
}  // namespace agent::backends
