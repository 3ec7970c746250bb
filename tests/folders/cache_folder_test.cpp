#include "agent/folders/cache_folder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent::folders {
namespace {

TEST(CacheFolder, TakesWhatSccacheWrites) {
  const std::string key(64, 'a');
  EXPECT_TRUE(sccache_folder().is_entry("a/b/" + key));
  EXPECT_TRUE(sccache_folder().is_entry("preprocessor/a/b/c/" + key));
  EXPECT_TRUE(sccache_folder().is_entry(key));
}

TEST(CacheFolder, TakesNothingThatLeadsOutOfTheFolderOrIsTemporary) {
  for (const auto* path : {"", "/", "/etc/passwd", "a//b", "a/", "..", "a/../b", "a/./b", ".mode",
                           "a/.sccachetmpX1y2z3", "a\\b", "a/b c", "1/2/3/4/5/6/7", "a\nb"}) {
    EXPECT_FALSE(sccache_folder().is_entry(path)) << path;
  }
  EXPECT_FALSE(sccache_folder().is_entry(std::string_view("a\0b", 3)));
  EXPECT_FALSE(sccache_folder().is_entry(std::string(256, 'a')));
  EXPECT_FALSE(sccache_folder().is_entry(std::string(200, 'a') + "/" + std::string(200, 'b')));
}

TEST(CacheFolder, TakesWhatCcacheWrites) {
  const auto& folder = ccache_folder();
  EXPECT_TRUE(folder.is_entry("b/f/d4c2bg98c84k921n6hu8amarra1c4q2M"));
  EXPECT_TRUE(folder.is_entry("8/c/1/6d4h2gjnabijuhpcte26g3npa7fpb8R"));
  EXPECT_TRUE(folder.is_entry("8/c/1/6d4h2gjnabijuhpcte26g3npa7fpb80W"));
  EXPECT_TRUE(folder.may_be_replaced("b/f/d4c2bg98c84k921n6hu8amarra1c4q2M"));
}

TEST(CacheFolder, LeavesCcachesCountersTemporaryFilesAndSettingsAlone) {
  for (const auto* path :
       {"", "stats", "b/stats", "3/5/stats", "b/CACHEDIR.TAG", "tmp/.cleaned", "ccache.conf",
        "lock/auto_cleanup", "9/e/afi6dskg3monmmoj995rlfh6dn7uccqM.tmp.C4fhel.tmp",
        "tmp/stderr.tmp.gUWQDF.tmp", "../d4c2bg98c84k921n6hu8amarra1c4q2M",
        "b/../d4c2bg98c84k921n6hu8amarra1c4q2M", "b//4c2bg98c84kR", "/b/4c2bg98c84kR",
        "1/2/3/4/5/d4c2bg98c84k9R", "d4c2bg98c84k9R"}) {
    EXPECT_FALSE(ccache_folder().is_entry(path)) << path;
  }
}

TEST(CacheFolder, KeepsItsListWhereSccacheDoesNotLook) {
  EXPECT_EQ(list_beside("/job/cache"), "/job/cache.list");
}

}  // namespace
}  // namespace agent::folders
