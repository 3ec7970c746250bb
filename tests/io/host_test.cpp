#include "agent/io/host.hpp"

#include <gtest/gtest.h>

namespace agent::io {
namespace {

TEST(ParseMeminfo, ReadsTotalAndAvailable) {
  const auto memory = parse_meminfo("MemTotal:       24000 kB\nMemFree:   1 kB\nMemAvailable:   12000 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total_bytes, 24000U * 1024);
  EXPECT_EQ(memory->available_bytes, 12000U * 1024);
}

TEST(ParseMeminfo, RefusesWhatDoesNotSay) {
  for (const auto* text : {"", "MemTotal: 5 kB\n", "MemTotal: x\nMemAvailable: 3 kB\n",
                           "MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n"}) {
    EXPECT_EQ(parse_meminfo(text).has_value(), false) << text;
  }
}

TEST(ParseMemoryPressure, ReadsTheLastTenSecondsAndTheTotal) {
  const auto pressure = parse_memory_pressure(
      "some avg10=12.50 avg60=1.00 avg300=0.00 total=900\nfull avg10=3.00 avg60=0.00 avg300=0.00 "
      "total=2500000\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->some_percent, 12.5);
  EXPECT_DOUBLE_EQ(pressure->all_stalled_seconds, 2.5);
}

TEST(ParseMemoryPressure, RefusesWhatDoesNotSay) {
  EXPECT_FALSE(parse_memory_pressure("some avg10=1 total=3\n"));
  EXPECT_FALSE(parse_memory_pressure("nothing"));
}

TEST(HostMemory, IsOfThisHost) {
  const auto memory = host_memory();
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_GT(memory->total_bytes, memory->available_bytes);
}

}  // namespace
}  // namespace agent::io
