#include "agent/folders/collect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utime.h>

#include <map>
#include <string>

#include "agent/folders/cache_folder.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::folders {
namespace {

namespace fs = io::fs;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using tests::FailsWith;
using tests::Succeeds;
using tests::TempFolder;

class Collect : public testing::Test {
protected:
  void SetUp() override { fs::create_directories(folder()); }
  fs::path folder() const { return temp_.path() / "cache"; }

  // As sccache does: a temporary file, then its name.
  void put(const std::string& path, const std::string& bytes) const {
    fs::create_directories((folder() / path).parent_path());
    ASSERT_THAT(io::write_file(folder() / ".sccachetmpAbCdEf", bytes), Succeeds());
    fs::rename(folder() / ".sccachetmpAbCdEf", folder() / path);
  }

  // What one look finds.
  static std::map<std::string, std::string> look(Collector& collector) {
    std::map<std::string, std::string> found;
    const auto done =
        collector.collect([&](std::string_view path, const io::FileSlice& file) -> Result<void> {
          AGENT_TRY(found[std::string(path)], io::read_slice(file, std::uint64_t{1} << 20U, path));
          return {};
        });
    EXPECT_THAT(done, Succeeds());
    EXPECT_EQ(done ? done->files : 0, found.size());
    return found;
  }

  TempFolder temp_{tests::memory_folder()};
};

TEST_F(Collect, FindsWhatAppearedSinceTheLastLook) {
  Collector collector(sccache_folder(), folder());
  put("a/b/abc", "result");

  EXPECT_THAT(look(collector), ElementsAre(Pair("a/b/abc", "result")));
  EXPECT_THAT(look(collector), IsEmpty());
  put("preprocessor/a/b/c/def", "learnt");
  EXPECT_THAT(look(collector), ElementsAre(Pair("preprocessor/a/b/c/def", "learnt")));
}

TEST_F(Collect, LeavesOutWhatTheFolderWasFilledWith) {
  put("a/b/abc", "from the tag");
  Collector collector(sccache_folder(), folder());
  ASSERT_THAT(collector.remember({.files = 1, .bytes = 12}), Succeeds());
  put("a/b/def", "new");

  EXPECT_THAT(look(collector), ElementsAre(Pair("a/b/def", "new")));
}

TEST_F(Collect, FindsAnEntryThatWasReplaced) {
  put("preprocessor/a/b/c/abc", "one");
  Collector collector(sccache_folder(), folder());
  ASSERT_THAT(collector.remember({}), Succeeds());

  put("preprocessor/a/b/c/abc", "one and two");

  EXPECT_THAT(look(collector), ElementsAre(Pair("preprocessor/a/b/c/abc", "one and two")));
}

TEST_F(Collect, FindsAnEntryThatGrewUnderTheSameInode) {
  put("preprocessor/a/b/c/abc", "one");
  Collector collector(sccache_folder(), folder());
  ASSERT_THAT(collector.remember({}), Succeeds());

  ASSERT_THAT(io::append_file(folder() / "preprocessor/a/b/c/abc", " and two"), Succeeds());

  EXPECT_THAT(look(collector), ElementsAre(Pair("preprocessor/a/b/c/abc", "one and two")));
}

TEST_F(Collect, TakesNoNoticeOfAnEntryThatWasOnlyUsed) {
  put("a/b/abc", "result");
  put("preprocessor/a/b/c/abc", "learnt");
  Collector collector(sccache_folder(), folder());
  ASSERT_THAT(collector.remember({}), Succeeds());

  const utimbuf later{.actime = 2'000'000'000, .modtime = 2'000'000'000};
  ASSERT_EQ(::utime((folder() / "a/b/abc").c_str(), &later), 0);
  ASSERT_EQ(::utime((folder() / "preprocessor/a/b/c/abc").c_str(), &later), 0);

  EXPECT_THAT(look(collector), IsEmpty());
}

TEST_F(Collect, TakesNoTemporaryFilesAndFollowsNoLinks) {
  ASSERT_THAT(io::write_file(folder() / ".sccachetmpXyZ", "half"), Succeeds());
  ASSERT_THAT(io::write_file(temp_.path() / "secret", "secret"), Succeeds());
  fs::create_symlink(temp_.path() / "secret", folder() / "linked");
  fs::create_directory_symlink(temp_.path(), folder() / "outside");
  Collector collector(sccache_folder(), folder());

  EXPECT_THAT(look(collector), IsEmpty());
}

TEST_F(Collect, OffersAgainWhatWasNotTaken) {
  put("a/b/abc", "result");
  Collector collector(sccache_folder(), folder());

  const auto refused =
      collector.collect([](std::string_view, const io::FileSlice&) { return fail(Errc::full, "no room"); });

  ASSERT_THAT(refused, Succeeds());
  EXPECT_EQ(refused->failed, 1U);
  EXPECT_EQ(refused->files, 0U);
  ASSERT_TRUE(refused->error.has_value());
  EXPECT_EQ(refused->error->code, Errc::full);
  EXPECT_THAT(look(collector), ElementsAre(Pair("a/b/abc", "result")));
}

// sccache evicts while we look: here the next entries go while the first is taken.
TEST_F(Collect, SurvivesEntriesThatVanish) {
  for (const auto* name : {"a/1", "a/2", "a/3"}) {
    put(name, "x");
  }
  Collector collector(sccache_folder(), folder());
  std::uint64_t taken = 0;

  const auto done = collector.collect([&](std::string_view, const io::FileSlice&) -> Result<void> {
    ++taken;
    fs::remove_all(folder() / "a");
    return {};
  });

  ASSERT_THAT(done, Succeeds());
  EXPECT_EQ(taken, 1U);
  EXPECT_EQ(done->files, 1U);
}

TEST_F(Collect, GoesOnFromTheListOfAnEarlierProcess) {
  put("a/b/abc", "from the tag");
  put("preprocessor/a/b/c/abc", "from the tag");
  {
    Collector first(sccache_folder(), folder());
    ASSERT_THAT(first.remember({.files = 2, .bytes = 24}), Succeeds());
  }
  put("a/b/def", "new");
  Collector second(sccache_folder(), folder());

  const auto filled = second.recall();

  ASSERT_THAT(filled, Succeeds());
  EXPECT_EQ(filled->files, 2U);
  EXPECT_EQ(filled->bytes, 24U);
  EXPECT_THAT(look(second), ElementsAre(Pair("a/b/def", "new")));
}

TEST_F(Collect, TakesNoOtherFileForItsList) {
  Collector collector(sccache_folder(), folder());
  EXPECT_THAT(collector.recall(), FailsWith(Errc::not_found));
  for (const auto* text : {"", "something else\n", "hearth-filled-1 2\n", "hearth-filled-1 two 3\n"}) {
    ASSERT_THAT(io::write_file(list_beside(folder()), text), Succeeds());
    EXPECT_THAT(collector.recall(), FailsWith(Errc::corrupt)) << text;
  }
}

TEST_F(Collect, SaysWhenTheFolderIsGone) {
  fs::remove_all(folder());
  Collector collector(sccache_folder(), folder());
  EXPECT_THAT(collector.collect([](std::string_view, const io::FileSlice&) { return Result<void>{}; }),
              FailsWith(Errc::not_found));
}

}  // namespace
}  // namespace agent::folders
