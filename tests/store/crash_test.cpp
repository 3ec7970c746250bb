// A process that writes is killed, again and again: whatever it had acknowledged must be there, whole.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "agent/core/text.hpp"
#include "agent/io/checksum.hpp"
#include "agent/store/store.hpp"
#include "tests/store/store_fixture.hpp"

namespace agent::store {
namespace {

using namespace std::chrono_literals;
using tests::put;

constexpr int k_threads = 2;
constexpr int k_rounds = 16;

// "<key> <digest>\n", shorter than PIPE_BUF: one write is one line, whatever the moment of death.
void acknowledge(int pipe, std::string_view key, const Digest& digest) {
  const auto line = std::string(key) + " " + digest.hex() + "\n";
  if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    ::_exit(2);
  }
}

// Writes until it is killed: new keys, and one key per thread over and over, whose content is a counter.
[[noreturn]] void write_forever(const StoreOptions& options, int round, int pipe) {
  metrics::Registry registry;
  auto store = Store::open(options, registry);
  if (!store) {
    ::_exit(3);
  }
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < k_threads; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(static_cast<unsigned>((round * k_threads) + thread + 1));
      for (int i = 0;; ++i) {
        const auto name = std::to_string(round) + "." + std::to_string(thread) + "." + std::to_string(i);
        const auto size = i % 20 == 0 ? 150'000 : random() % 9000;
        const auto stored = put(**store, name, std::string(size, static_cast<char>(random())));
        const auto counter = std::to_string((round * 1'000'000) + i);
        const auto again = put(**store, "counter" + std::to_string(thread), counter);
        if (!stored || !again) {
          ::_exit(4);
        }
        acknowledge(pipe, name, stored->digest);
        acknowledge(pipe, "counter" + std::to_string(thread) + "=" + counter, again->digest);
      }
    });
  }
  threads.clear();
  ::_exit(5);
}

// Kills a writer after `delay` from its first acknowledgement; returns all it acknowledged.
std::string run_and_kill(const StoreOptions& options, int round, std::chrono::microseconds delay) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const auto child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    write_forever(options, round, ends[1]);
  }
  ::close(ends[1]);
  std::string lines;
  std::array<char, 65'536> buffer{};
  auto deadline = std::chrono::steady_clock::now() + 10s;
  bool killed = false;
  while (true) {
    pollfd ready{.fd = ends[0], .events = POLLIN, .revents = 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (!killed && ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) {
      ::kill(child, SIGKILL);
      killed = true;
    }
    const auto count = ::read(ends[0], buffer.data(), buffer.size());
    if (count <= 0) {
      break;
    }
    if (lines.empty()) {
      deadline = std::chrono::steady_clock::now() + delay;
    }
    lines.append(buffer.data(), static_cast<std::size_t>(count));
    if (!killed && std::chrono::steady_clock::now() >= deadline) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "exit " << WEXITSTATUS(status);
  return lines;
}

class Crash : public tests::StoreTest {
protected:
  void remember(const std::string& lines) {
    for (const auto line : split(lines, '\n')) {
      const auto space = line.find(' ');
      if (space == std::string_view::npos) {
        continue;
      }
      const auto name = line.substr(0, space);
      if (const auto equals = name.find('='); equals != std::string_view::npos) {
        int value = 0;
        std::from_chars(name.data() + equals + 1, name.data() + name.size(), value);
        counters_[std::string(name.substr(0, equals))] = value;
      } else {
        objects_[std::string(name)] = line.substr(space + 1);
      }
    }
  }

  // Of the objects only those of one round, unless it is negative.
  void verify(Store& store, int round) {
    for (const auto& [name, digest] : objects_) {
      if (round >= 0 && !name.starts_with(std::to_string(round) + ".")) {
        ASSERT_TRUE(store.contains(name)) << name;
        continue;
      }
      const auto content = tests::get(store, name);
      ASSERT_TRUE(content) << name;
      ASSERT_EQ(io::sha256(io::bytes_of(*content)).hex(), digest) << name;
    }
    for (const auto& [name, value] : counters_) {
      const auto content = tests::get(store, name);
      ASSERT_TRUE(content) << name;
      ASSERT_GE(std::stoi(*content), value) << name;  // the next one may have been committed, too
    }
    ASSERT_EQ(store.figures().quarantined, 0U);
  }

  std::map<std::string, std::string> objects_;  // acknowledged: key -> digest
  std::map<std::string, int> counters_;
};

TEST_F(Crash, WhatWasAcknowledgedSurvivesTheKill) {
  options_.max_size_bytes = std::uint64_t{4} << 30U;  // nothing is evicted
  options_.segment_bytes = 1 << 20U;                  // and segments are sealed all the time
  std::minstd_rand random(std::random_device{}());

  for (int round = 0; round < k_rounds; ++round) {
    const auto delay = std::chrono::microseconds(random() % 15'000);
    SCOPED_TRACE("round " + std::to_string(round) + ", killed after " + std::to_string(delay.count()) +
                 " us");
    remember(run_and_kill(options_, round, delay));
    ASSERT_NO_FATAL_FAILURE(verify(open(), round));
    store_.reset();
  }

  ASSERT_NO_FATAL_FAILURE(verify(open(), -1));
  EXPECT_GT(objects_.size(), static_cast<std::size_t>(k_rounds));
}

}  // namespace
}  // namespace agent::store
