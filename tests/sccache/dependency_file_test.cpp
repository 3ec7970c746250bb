#include "agent/sccache/dependency_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace agent::sccache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(DependencyFile, OfGccListsSourceAndHeaders) {
  const auto found = parse_dependencies(
      "out/a.o: src/a.c include/config.h \\\n include/with\\ space.h /usr/include/stdio.h\n"
      "include/config.h:\ninclude/with\\ space.h:\n");

  EXPECT_THAT(found.files,
              ElementsAre("src/a.c", "include/config.h", "include/with space.h", "/usr/include/stdio.h"));
}

TEST(DependencyFile, OfRustcListsSourcesOnceAndVariables) {
  const auto found = parse_dependencies(
      "/t/libx-1.rmeta: src/lib.rs src/low.rs\n\n/t/x-1.d: src/lib.rs src/low.rs\n\nsrc/lib.rs:\n\n"
      "# env-dep:GIT_HASH=abc=1\n# env-dep:UNSET\n");

  EXPECT_THAT(found.files, ElementsAre("src/lib.rs", "src/low.rs"));
  EXPECT_THAT(found.variables, ElementsAre(Pair("GIT_HASH", "abc=1"), Pair("UNSET", "")));
}

TEST(DependencyFile, ReadsWhatMakeWouldUnquote) {
  EXPECT_THAT(parse_dependencies("a.o: a\\#b.h c$$d.h e:f.h").files, ElementsAre("a#b.h", "c$d.h", "e:f.h"));
}

TEST(DependencyFile, PassesOverWhatIsNoRule) {
  EXPECT_THAT(parse_dependencies("# a.o: b.h\nnothing\n\n\\\n").files, IsEmpty());
}

TEST(DependencyFile, IsBounded) {
  std::string text = "a.o:";
  for (std::size_t i = 0; i < k_max_dependencies + 10; ++i) {
    text += " " + std::to_string(i);
  }

  EXPECT_THAT(parse_dependencies(text).files, SizeIs(k_max_dependencies));
}

}  // namespace
}  // namespace agent::sccache
