#include "agent/doctor/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

app::RunRecord run(std::string id, std::vector<sccache::KeyedCompilation> compilations) {
  app::RunRecord record{.id = std::move(id)};
  record.figures.tag = "t";
  record.surroundings.environment = {{"CARGO_HOME", "/h"}};
  record.compilations = std::move(compilations);
  return record;
}

sccache::KeyedCompilation c(std::string name, std::uint64_t key, std::string flag) {
  return {.name = name,
          .key = key,
          .outcome = "miss",
          .arguments = {"-c", name, "-o", "out/" + name, std::move(flag)}};
}

sccache::KeyedCompilation rust(std::string name, std::uint64_t key, const std::string& dependency = {}) {
  sccache::KeyedCompilation one{
      .name = name, .key = key, .outcome = "miss", .arguments = {"--crate-name", name}};
  if (!dependency.empty()) {
    one.arguments.insert(one.arguments.end(),
                         {"--extern", dependency + "=/t/lib" + std::to_string(key) + ".rmeta"});
  }
  return one;
}

TEST(Difference, OfEqualRunsIsNothing) {
  const auto one = run("1", {c("a.o", 1, "-O2")});

  const auto difference = compare(one, one);

  EXPECT_THAT(difference.around, IsEmpty());
  EXPECT_THAT(difference.changed, IsEmpty());
  EXPECT_EQ(difference.same, 1U);
}

TEST(Difference, NamesTheFirstArgumentThatChanged) {
  const auto difference = compare(run("1", {c("a.o", 1, "-DX=1")}), run("2", {c("a.o", 2, "-DX=2")}));

  ASSERT_THAT(difference.changed, SizeIs(1));
  EXPECT_EQ(difference.changed.front().first.then, "-DX=1");
  EXPECT_EQ(difference.changed.front().first.now, "-DX=2");
  EXPECT_THAT(text_of(difference), HasSubstr("a.o: argument: -DX=1 -> -DX=2"));
}

TEST(Difference, LeavesOutArgumentsThatEnterNoKey) {
  auto moved = c("a.o", 2, "-O2");
  moved.arguments[3] = "elsewhere/a.o";

  const auto difference = compare(run("1", {c("a.o", 1, "-O2")}), run("2", {moved}));

  EXPECT_EQ(difference.changed.front().first.what, "a source or a header");
}

TEST(Difference, FollowsAChangeThroughTheCratesAbove) {
  const auto difference =
      compare(run("1", {rust("low", 1), rust("mid", 2, "low"), rust("top", 3, "mid")}),
              run("2", {rust("low", 11), rust("mid", 12, "low"), rust("top", 13, "mid")}));

  ASSERT_THAT(difference.changed, SizeIs(3));
  EXPECT_EQ(difference.changed[0].because, "");
  EXPECT_EQ(difference.changed[1].because, "low");
  EXPECT_EQ(difference.changed[2].because, "mid");
}

TEST(Difference, BlamesAVariableThatEntersEveryKey) {
  auto later = run("2", {rust("low", 11)});
  later.surroundings.environment = {{"CARGO_HOME", "/other"}, {"PATHLESS", "x"}};

  const auto difference = compare(run("1", {rust("low", 1)}), later);

  EXPECT_EQ(difference.around.front().what, "CARGO_HOME");
  EXPECT_EQ(difference.changed.front().first.what, "CARGO_HOME");
  EXPECT_EQ(difference.changed.front().first.now, "/other");
}

TEST(Difference, TellsWhatIsNewAndWhatIsGone) {
  const auto difference =
      compare(run("1", {c("a.o", 1, ""), c("b.o", 2, "")}), run("2", {c("b.o", 2, ""), c("c.o", 3, "")}));

  EXPECT_THAT(difference.appeared, ElementsAre("c.o"));
  EXPECT_THAT(difference.vanished, ElementsAre("a.o"));
}

TEST(Difference, WithoutKeysSaysHowToGetThem) {
  EXPECT_THAT(text_of(compare(run("1", {}), run("2", {}))), HasSubstr("--explain"));
}

TEST(History, IsFoundByNameAndByDigitsOfAKey) {
  auto one = run("1", {c("a.o", 0xabcdef0123456789U, "")});
  one.requests.keys["absent"] = {0xabcdef0123456789U};

  EXPECT_THAT(history_of({one}, "a.o"), HasSubstr("run 1: a.o key abcdef0123456789 miss"));
  EXPECT_THAT(history_of({one}, "abcdef"), HasSubstr("key abcdef0123456789 absent"));
  EXPECT_EQ(history_of({one}, "b.o"), "");
  EXPECT_EQ(history_of({one}, "abc"), "");
}

}  // namespace
}  // namespace agent::doctor
