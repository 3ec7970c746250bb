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
  record.keys.compilations = std::move(compilations);
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

TEST(Difference, AnArgumentThatWasPutInOrTakenOutStandsAgainstNone) {
  auto without = c("a.o", 1, "-O2");
  auto with = c("a.o", 2, "-O2");
  with.arguments.insert(with.arguments.begin(), "-DX=1");

  const auto put_in = compare(run("1", {without}), run("2", {with}));
  const auto taken_out = compare(run("1", {with}), run("2", {without}));

  EXPECT_THAT(text_of(put_in), HasSubstr("a.o: argument: (none) -> -DX=1"));
  EXPECT_THAT(text_of(taken_out), HasSubstr("a.o: argument: -DX=1 -> (none)"));
}

TEST(Difference, CountsTheKeysBehindAnArgument) {
  const auto difference = compare(run("1", {c("a.o", 1, "-O1"), c("b.o", 2, "-O1"), c("d.o", 3, "-Da")}),
                                  run("2", {c("a.o", 4, "-O2"), c("b.o", 5, "-O2"), c("d.o", 6, "-Db")}));

  ASSERT_THAT(difference.cascades, SizeIs(1));  // what one compilation has alone is no cascade
  EXPECT_EQ(difference.cascades.front().compilations, 2U);
  EXPECT_THAT(text_of(difference), HasSubstr("argument: -O1 -> -O2 (first): 2 compilations cascaded."));
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

// Compilations of "a.o" and "b.o" that read config.h and a source of their own.
app::RunRecord c_run(const std::string& folder, std::uint64_t config, std::uint64_t key) {
  auto record = run(folder, {c("a.o", key, ""), c("b.o", key + 1, "")});
  record.surroundings.folder = folder;
  record.keys.files = {{.path = folder + "/a.c", .digest = 1},
                       {.path = folder + "/include/config.h", .digest = config},
                       {.path = folder + "/b.c", .digest = 2}};
  record.keys.compilations[0].inputs = {0, 1};
  record.keys.compilations[1].inputs = {1, 2};
  return record;
}

TEST(Difference, NamesTheHeaderThatChangedAndCountsWhatItCascadedInto) {
  const auto difference = compare(c_run("/one", 7, 10), c_run("/two", 8, 20));

  ASSERT_THAT(difference.changed, SizeIs(2));
  EXPECT_EQ(difference.changed.front().first.what, "include/config.h");
  EXPECT_EQ(difference.changed.front().first.file, FileChange::changed);
  ASSERT_THAT(difference.cascades, SizeIs(1));
  EXPECT_EQ(difference.cascades.front().compilations, 2U);
  EXPECT_THAT(text_of(difference), HasSubstr("include/config.h changed (first): 2 compilations cascaded."));
  EXPECT_THAT(text_of(difference), HasSubstr("b.o: include/config.h changed"));
}

TEST(Difference, NamesAHeaderThatIsNewOrGone) {
  auto later = c_run("/one", 7, 20);
  later.keys.files[1].path = "/one/include/other.h";

  const auto difference = compare(c_run("/one", 7, 10), later);

  EXPECT_THAT(text_of(difference), HasSubstr("a.o: include/other.h is new"));
  later.keys.compilations[0].inputs = {0};
  EXPECT_THAT(text_of(compare(c_run("/one", 7, 10), later)), HasSubstr("a.o: include/config.h is gone"));
}

TEST(Difference, SaysWhenNoFileOnRecordChanged) {
  const auto difference = compare(c_run("/one", 7, 10), c_run("/one", 7, 20));

  EXPECT_THAT(difference.changed.front().first.what, HasSubstr("none of 2 files on record"));
  EXPECT_THAT(difference.cascades, IsEmpty());
}

TEST(Difference, CountsCratesAboveForTheSourceBelow) {
  auto then = run("1", {rust("low", 1), rust("mid", 2, "low"), rust("top", 3, "mid")});
  auto now = run("2", {rust("low", 11), rust("mid", 12, "low"), rust("top", 13, "mid")});
  for (auto* record : {&then, &now}) {
    record->keys.files = {{.path = "low.rs", .digest = record == &then ? 1U : 2U},
                          {.path = "up.rs", .digest = 3}};
    record->keys.compilations[0].inputs = {0};
    record->keys.compilations[1].inputs = {1};
    record->keys.compilations[2].inputs = {1};
  }

  const auto difference = compare(then, now);

  EXPECT_EQ(difference.changed[2].because, "mid");
  ASSERT_THAT(difference.cascades, SizeIs(1));
  EXPECT_EQ(difference.cascades.front().first.what, "low.rs");
  EXPECT_EQ(difference.cascades.front().compilations, 3U);
}

TEST(Difference, PairsCompilationsOfOneNameByTheirOutput) {
  auto one = c("main.o", 1, "");
  auto two = c("main.o", 2, "");
  one.arguments[3] = "one/main.o";
  two.arguments[3] = "two/main.o";

  EXPECT_EQ(compare(run("1", {one, two}), run("2", {two, one})).same, 2U);
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

TEST(Difference, TellsOfOneKeyNothingAboutTheRest) {
  auto then = run("1", {c("a.o", 1, "-O2")});
  auto now = run("2", {c("a.o", 2, "-O2")});
  then.surroundings.environment.emplace_back("SDKROOT", "/one");
  now.surroundings.environment.emplace_back("SDKROOT", "/two");
  const auto difference = compare(then, now);

  ASSERT_THAT(difference.changed, SizeIs(1));
  EXPECT_EQ(text_of(difference.changed.front()), "a.o: SDKROOT: /one -> /two");
}

TEST(Difference, ShowsNamesThatAreNoWorkflowCommands) {
  const auto difference =
      compare(run("1", {c("::error::a.o", 1, "##[error]x")}), run("2", {c("::error::a.o", 2, "-O2")}));

  EXPECT_THAT(text_of(difference), HasSubstr("\n  | ::error::a.o: argument: ## [error]x -> -O2"));
}

TEST(NearNames, HaveTheSameStem) {
  const auto one = run("1", {c("f1.o", 1, ""), c("f1.d", 2, ""), c("f2.o", 3, ""), rust("my_crate", 4)});

  EXPECT_THAT(near_names({one}, "f1"), ElementsAre("f1.d", "f1.o"));
  EXPECT_THAT(near_names({one, one}, "src/f1.c"), ElementsAre("f1.d", "f1.o"));
  EXPECT_THAT(near_names({one}, "my-crate"), ElementsAre("my_crate"));
  EXPECT_THAT(near_names({one}, "f"), IsEmpty());
}

TEST(NearNames, AreAHandfulAtMost) {
  std::vector<sccache::KeyedCompilation> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(c("f.o" + std::to_string(i), 1, ""));
  }
  EXPECT_THAT(near_names({run("1", std::move(many))}, "f.c"), SizeIs(5));
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
