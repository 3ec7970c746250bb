// What every object storage promises (agent/backends/object_storage.hpp), tried on each of them.
#include "agent/backends/object_storage.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

#include "agent/io/fd.hpp"
#include "agent/io/file.hpp"
#include "tests/contract/places.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::backends {
namespace {

using namespace std::string_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

struct Line {
  std::string scheme;
  std::unique_ptr<tests::StoragePlace> (*make_place)();
};

void PrintTo(const Line& line, std::ostream* out) {
  *out << line.scheme;
}

class ObjectStorageContract : public testing::TestWithParam<Line> {
protected:
  // Another opening of the same storage, as another process or host would have it.
  std::unique_ptr<ObjectStorage> open() {
    auto storage = open_storage(place_->url(),
                                {.clock = clock_, .registry = registry_, .variables = place_->variables()});
    EXPECT_THAT(storage, Succeeds());
    return storage ? *std::move(storage) : nullptr;
  }

  // Names under "tags/" are read whole; of others the size must be known.
  std::string content_of(std::string_view name) {
    if (!name.starts_with("tags/")) {
      const auto objects = storage_->list(name);
      EXPECT_THAT(objects, Succeeds());
      const auto found = std::ranges::find(*objects, name, &ObjectInfo::name);
      auto bytes = found == objects->end() ? std::optional<std::string>()
                                           : *storage_->get(name, {.offset = 0, .size = found->size});
      return bytes.value_or("(missing)");
    }
    auto object = storage_->read(name);
    EXPECT_THAT(object, Succeeds());
    return object && *object ? (*object)->content : "(missing)";
  }

  SystemClock clock_;
  metrics::Registry registry_;
  std::unique_ptr<tests::StoragePlace> place_ = GetParam().make_place();
  std::unique_ptr<ObjectStorage> storage_ = open();
};

// Runs `work(0..count-1)` on as many threads, all let go at once.
template <typename Work>
void at_once(int count, Work work) {
  std::latch start(count);
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
}

// Runs `work(0..count-1)` in as many processes; the sum of what they return as exit codes.
template <typename Work>
int in_processes(int count, Work work) {
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(work(i));
    }
    children.push_back(child);
  }
  int sum = 0;
  for (const auto child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
  }
  return sum;
}

// Adds one to the number in `name` by compare-and-swap, however often others are faster.
Result<void> increment(ObjectStorage& storage, std::string_view name) {
  while (true) {
    AGENT_TRY(const auto current, storage.read(name));
    const auto next = std::to_string((current ? std::stoi(current->content) : 0) + 1);
    const auto swapped =
        storage.compare_and_swap(name, current ? std::optional(current->version) : std::nullopt, next);
    if (swapped) {
      return {};
    }
    if (swapped.error().code != Errc::conflict) {
      return std::unexpected(swapped.error());
    }
  }
}

TEST_P(ObjectStorageContract, KeepsWhatWasPut) {
  EXPECT_EQ(storage_->put_if_absent("packs/ab/one", std::string_view("payload")), Put::created);

  EXPECT_EQ(content_of("packs/ab/one"), "payload");
  EXPECT_EQ(open()->get("packs/ab/one", {.offset = 0, .size = 7}), "payload");
}

TEST_P(ObjectStorageContract, NeverReplacesWhatWasPut) {
  ASSERT_EQ(storage_->put_if_absent("one", std::string_view("first")), Put::created);

  EXPECT_EQ(storage_->put_if_absent("one", std::string_view("second")), Put::existed);

  EXPECT_EQ(content_of("one"), "first");
}

TEST_P(ObjectStorageContract, KeepsEmptyObjectsAndAnyByte) {
  const auto bytes = "\0\xff\r\n"s;

  EXPECT_EQ(storage_->put_if_absent("empty", std::string_view()), Put::created);
  EXPECT_EQ(storage_->put_if_absent("bytes", std::string_view(bytes)), Put::created);

  EXPECT_EQ(content_of("empty"), "");
  EXPECT_EQ(content_of("bytes"), bytes);
}

TEST_P(ObjectStorageContract, PutsAnExtentOfAFile) {
  const tests::TempFolder folder;
  const auto file = folder.path() / "file";
  ASSERT_THAT(io::write_file(file, "0123456789"), Succeeds());
  auto slice = io::slice_of_file(file.string());
  ASSERT_THAT(slice, Succeeds());
  slice->offset = 3;
  slice->size = 4;

  EXPECT_EQ(storage_->put_if_absent("extent", *slice), Put::created);

  EXPECT_EQ(content_of("extent"), "3456");
}

TEST_P(ObjectStorageContract, OneOfManyCreatorsWins) {
  std::atomic<int> created{0};

  at_once(8, [&](int i) {
    const auto mine = open();
    const auto content = std::string(100'000, static_cast<char>('a' + i));
    created += mine->put_if_absent("raced", std::string_view(content)) == Put::created ? 1 : 0;
  });

  EXPECT_EQ(created, 1);
  EXPECT_EQ(content_of("raced"), std::string(100'000, content_of("raced").front()));
}

TEST_P(ObjectStorageContract, OneOfManyCreatingProcessesWins) {
  const int created = in_processes(8, [&](int i) {
    const auto mine = open();
    return mine->put_if_absent("raced", std::string_view(std::to_string(i))) == Put::created ? 1 : 0;
  });

  EXPECT_EQ(created, 1);
}

TEST_P(ObjectStorageContract, ReadsRanges) {
  ASSERT_THAT(storage_->put_if_absent("object", std::string_view("0123456789")), Succeeds());

  EXPECT_EQ(storage_->get("object", {.offset = 0, .size = 1}), "0");
  EXPECT_EQ(storage_->get("object", {.offset = 4, .size = 6}), "456789");
  EXPECT_EQ(storage_->get("object", {.offset = 10, .size = 0}), "");
}

TEST_P(ObjectStorageContract, RangesBeyondTheEndAreCorrupt) {
  ASSERT_THAT(storage_->put_if_absent("object", std::string_view("0123456789")), Succeeds());
  constexpr auto k_huge = ~std::uint64_t{0};

  EXPECT_THAT(storage_->get("object", {.offset = 4, .size = 7}), FailsWith(Errc::corrupt));
  EXPECT_THAT(storage_->get("object", {.offset = 11, .size = 1}), FailsWith(Errc::corrupt));
  EXPECT_THAT(storage_->get("object", {.offset = 1, .size = k_huge}), FailsWith(Errc::corrupt));
  EXPECT_THAT(storage_->get("object", {.offset = k_huge, .size = k_huge}), FailsWith(Errc::corrupt));
}

TEST_P(ObjectStorageContract, MissingObjectsAreNoErrors) {
  EXPECT_EQ(storage_->get("no/such", {.offset = 0, .size = 1}), std::nullopt);
  EXPECT_THAT(storage_->read("tags/none"), Succeeds());
  EXPECT_FALSE(storage_->read("tags/none")->has_value());
  EXPECT_THAT(storage_->remove("no/such"), Succeeds());
}

TEST_P(ObjectStorageContract, AFolderIsNoObject) {
  ASSERT_THAT(storage_->put_if_absent("a/b", std::string_view("x")), Succeeds());

  EXPECT_EQ(storage_->get("a", {.offset = 0, .size = 0}), std::nullopt);
  EXPECT_THAT(storage_->remove("a"), Succeeds());
  EXPECT_EQ(content_of("a/b"), "x");
}

TEST_P(ObjectStorageContract, SwapsOnlyWhatWasRead) {
  const auto first = storage_->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(first, Succeeds());
  const auto second = storage_->compare_and_swap("tags/t", *first, "2");
  ASSERT_THAT(second, Succeeds());

  EXPECT_THAT(storage_->compare_and_swap("tags/t", *first, "3"), FailsWith(Errc::conflict));
  EXPECT_THAT(storage_->compare_and_swap("tags/t", std::nullopt, "3"), FailsWith(Errc::conflict));
  EXPECT_THAT(storage_->compare_and_swap("tags/other", *first, "3"), FailsWith(Errc::conflict));

  const auto now = storage_->read("tags/t");
  ASSERT_THAT(now, Succeeds());
  ASSERT_TRUE(now->has_value());
  EXPECT_EQ((*now)->content, "2");
  EXPECT_EQ((*now)->version, *second);
}

// What an opening finds out about its service must not depend on the others that try it at that moment.
TEST_P(ObjectStorageContract, OpensAlikeForManyAtOnce) {
  at_once(16, [&](int) {
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(open()->describe(), storage_->describe());
    }
  });
}

TEST_P(ObjectStorageContract, LosesNoUpdateOfSixteenWriters) {
  constexpr int k_writers = 16;
  constexpr int k_increments = 50;

  at_once(k_writers, [&](int) {
    const auto mine = open();
    for (int i = 0; i < k_increments; ++i) {
      EXPECT_THAT(increment(*mine, "tags/counter"), Succeeds());
    }
  });

  EXPECT_EQ(content_of("tags/counter"), std::to_string(k_writers * k_increments));
}

TEST_P(ObjectStorageContract, TakesFirstObjectsOfOneFolderFromManyWriters) {
  for (int round = 0; round < 20; ++round) {
    at_once(4, [&](int i) {
      const auto name = fmt::format("shard{}/deep/{}", round, i);
      EXPECT_EQ(storage_->put_if_absent(name, std::string_view("x")), Put::created);
    });
  }

  EXPECT_EQ(storage_->list("shard")->size(), 80);
}

TEST_P(ObjectStorageContract, LosesNoUpdateOfFourProcesses) {
  constexpr int k_increments = 25;

  const int failures = in_processes(4, [&](int) {
    const auto mine = open();
    int failed = 0;
    for (int i = 0; i < k_increments; ++i) {
      failed += increment(*mine, "tags/counter") ? 0 : 1;
    }
    return failed;
  });

  EXPECT_EQ(failures, 0);
  EXPECT_EQ(content_of("tags/counter"), std::to_string(4 * k_increments));
}

TEST_P(ObjectStorageContract, ReadersSeeWholeContentsWhileTheyAreSwapped) {
  ASSERT_THAT(storage_->compare_and_swap("tags/t", std::nullopt, std::string(50'000, 'a')), Succeeds());
  std::atomic<bool> done{false};

  std::jthread writer([&] {
    const auto mine = open();
    for (char letter = 'b'; letter <= 'z'; ++letter) {
      const auto now = mine->read("tags/t");
      EXPECT_THAT(mine->compare_and_swap("tags/t", (*now)->version, std::string(50'000, letter)), Succeeds());
    }
    done = true;
  });

  while (!done) {
    const auto content = content_of("tags/t");
    ASSERT_EQ(content, std::string(50'000, content.front()));
  }
}

TEST_P(ObjectStorageContract, TakesLargeObjects) {
  constexpr std::uint64_t k_size = std::uint64_t{100} << 20U;
  const tests::TempFolder folder;
  const auto path = folder.path() / "large";
  auto file = io::open_file(path, O_RDWR | O_CREAT);
  ASSERT_THAT(file, Succeeds());
  ASSERT_EQ(::ftruncate(file->get(), static_cast<off_t>(k_size)), 0);
  ASSERT_THAT(io::write_all_at(file->get(), io::bytes_of("end"), k_size - 3, "large"), Succeeds());

  ASSERT_EQ(storage_->put_if_absent("large", *io::slice_of_file(path.string())), Put::created);

  EXPECT_EQ(storage_->get("large", {.offset = k_size - 4, .size = 4}), "\0end"s);
}

TEST_P(ObjectStorageContract, ListsByPrefix) {
  for (const std::string_view name : {"packs/aa/1", "packs/ab/2", "packs/ab/3"}) {
    ASSERT_THAT(storage_->put_if_absent(name, std::string_view("12345")), Succeeds());
  }
  ASSERT_THAT(storage_->compare_and_swap("tags/x", std::nullopt, "12345"), Succeeds());
  ASSERT_THAT(storage_->remove("packs/ab/3"), Succeeds());
  const auto names = [&](std::string_view prefix) {
    std::vector<std::string> found;
    const auto objects = storage_->list(prefix);
    EXPECT_THAT(objects, Succeeds());
    for (const auto& object : *objects) {
      EXPECT_EQ(object.size, 5);
      EXPECT_GT(object.modified + std::chrono::minutes(5), clock_.wall());
      found.push_back(object.name);
    }
    return found;
  };

  using testing::UnorderedElementsAre;
  EXPECT_THAT(names(""), UnorderedElementsAre("packs/aa/1", "packs/ab/2", "tags/x"));
  EXPECT_THAT(names("packs/"), UnorderedElementsAre("packs/aa/1", "packs/ab/2"));
  EXPECT_THAT(names("packs/a"), UnorderedElementsAre("packs/aa/1", "packs/ab/2"));
  EXPECT_THAT(names("packs/ab/2"), UnorderedElementsAre("packs/ab/2"));
  EXPECT_THAT(names("nothing/here"), testing::IsEmpty());
}

TEST_P(ObjectStorageContract, RemovesForGood) {
  ASSERT_THAT(storage_->put_if_absent("one", std::string_view("x")), Succeeds());

  ASSERT_THAT(storage_->remove("one"), Succeeds());

  EXPECT_EQ(content_of("one"), "(missing)");
  EXPECT_EQ(storage_->put_if_absent("one", std::string_view("y")), Put::created);
}

TEST_P(ObjectStorageContract, RefusesBadNames) {
  const std::vector<std::string> bad = {"",    "/",    "/a",    "a/",  "a//b",     ".",
                                        "..",  "a/..", "../a",  "a b", "a\nb",     "a\0b"s,
                                        "ü",   "a\\b", "a~",    "a%b", "a:b",      std::string(256, 'a'),
                                        "./a", "a*",   "a/./b", "a?",  "$(reboot)"};
  for (const auto& name : bad) {
    EXPECT_THAT(storage_->put_if_absent(name, std::string_view("x")), FailsWith(Errc::invalid)) << name;
    EXPECT_THAT(storage_->get(name, {}), FailsWith(Errc::invalid)) << name;
    EXPECT_THAT(storage_->open_in_place(name), FailsWith(Errc::invalid)) << name;
    EXPECT_THAT(storage_->read(name), FailsWith(Errc::invalid)) << name;
    EXPECT_THAT(storage_->compare_and_swap(name, std::nullopt, "x"), FailsWith(Errc::invalid)) << name;
    EXPECT_THAT(storage_->remove(name), FailsWith(Errc::invalid)) << name;
  }
  EXPECT_THAT(storage_->list("../"), FailsWith(Errc::invalid));
  EXPECT_TRUE(storage_->list("")->empty());
}

TEST_P(ObjectStorageContract, TakesNamesUpToTheLimit) {
  const auto name = std::string(199, 'a') + "/" + std::string(200, '.') + "b";
  const auto longest = name.substr(0, 400);

  EXPECT_EQ(storage_->put_if_absent(longest, std::string_view("x")), Put::created);
  EXPECT_THAT(storage_->put_if_absent(name, std::string_view("x")), FailsWith(Errc::invalid));
  EXPECT_THAT(storage_->list(longest), Succeeds());
}

TEST_P(ObjectStorageContract, OpensInPlaceOrSaysThatItCannot) {
  ASSERT_THAT(storage_->put_if_absent("one", std::string_view("payload")), Succeeds());

  const auto opened = storage_->open_in_place("one");

  if (!opened) {
    EXPECT_THAT(opened, FailsWith(Errc::unsupported));
    return;
  }
  ASSERT_TRUE(opened->has_value());
  ASSERT_THAT(storage_->remove("one"), Succeeds());  // an open object outlives its name
  EXPECT_EQ(io::read_slice(**opened, 100, "one"), "payload");
  EXPECT_FALSE(storage_->open_in_place("one")->has_value());
}

TEST_P(ObjectStorageContract, ReadsButDoesNotWriteWhereWritingIsForbidden) {
  ASSERT_THAT(storage_->put_if_absent("packs/one", std::string_view("x")), Succeeds());
  const auto pointer = storage_->compare_and_swap("tags/t", std::nullopt, "1");
  ASSERT_THAT(pointer, Succeeds());

  std::jthread([&] {
    place_->forbid_writing();
    const auto reader = open();
    EXPECT_EQ(reader->get("packs/one", {.offset = 0, .size = 1}), "x");
    const auto refused = reader->put_if_absent("packs/two", std::string_view("x"));
    EXPECT_THAT(refused, FailsWith(Errc::denied));
    EXPECT_THAT(refused, FailsSaying(reader->describe()));
    EXPECT_THAT(refused, FailsSaying("read-only"));
    EXPECT_THAT(reader->compare_and_swap("tags/t", *pointer, "2"), FailsWith(Errc::denied));
    EXPECT_THAT(reader->remove("packs/one"), FailsWith(Errc::denied));
  }).join();

  EXPECT_EQ(content_of("tags/t"), "1");
}

std::vector<Line> lines() {
  return {
#define BACKEND(name) {#name, tests::make_##name##_place},
#include "agent/backends/builtin.def"
#undef BACKEND
  };
}

INSTANTIATE_TEST_SUITE_P(Builtin, ObjectStorageContract, testing::ValuesIn(lines()),
                         [](const auto& line) { return line.param.scheme; });

}  // namespace
}  // namespace agent::backends
