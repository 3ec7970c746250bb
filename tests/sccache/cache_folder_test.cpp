#include "agent/sccache/cache_folder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace agent::sccache {
namespace {

TEST(CacheFolder, TakesWhatSccacheWrites) {
  const std::string key(64, 'a');
  EXPECT_TRUE(is_entry("a/b/" + key));
  EXPECT_TRUE(is_entry("preprocessor/a/b/c/" + key));
  EXPECT_TRUE(is_entry(key));
}

TEST(CacheFolder, TakesNothingThatLeadsOutOfTheFolderOrIsTemporary) {
  for (const auto* path : {"", "/", "/etc/passwd", "a//b", "a/", "..", "a/../b", "a/./b", ".mode",
                           "a/.sccachetmpX1y2z3", "a\\b", "a/b c", "1/2/3/4/5/6/7", "a\nb"}) {
    EXPECT_FALSE(is_entry(path)) << path;
  }
  EXPECT_FALSE(is_entry(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_entry(std::string(256, 'a')));
  EXPECT_FALSE(is_entry(std::string(200, 'a') + "/" + std::string(200, 'b')));
}

TEST(CacheFolder, KeepsItsListWhereSccacheDoesNotLook) {
  EXPECT_EQ(list_beside("/job/cache"), "/job/cache.list");
}

}  // namespace
}  // namespace agent::sccache
