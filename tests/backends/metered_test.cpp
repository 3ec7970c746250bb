#include "agent/backends/metered.hpp"

#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::backends {
namespace {

// Answers every call with the same error.
class Failing final : public ObjectStorage {
public:
  explicit Failing(Error error, bool opens = true) : error_(std::move(error)), opens_(opens) {}

  bool opens_in_place() const override { return opens_; }
  std::string describe() const override { return "failing://"; }
  Result<Put> put_if_absent(std::string_view, const Source&) override { return std::unexpected(error_); }
  Result<std::optional<std::string>> get(std::string_view, Range) override { return std::unexpected(error_); }
  Result<std::optional<io::FileSlice>> open_in_place(std::string_view) override {
    return std::unexpected(error_);
  }
  Result<std::optional<Versioned>> read(std::string_view) override { return std::unexpected(error_); }
  Result<std::string> compare_and_swap(std::string_view, const std::optional<std::string>&,
                                       std::string_view) override {
    return std::unexpected(error_);
  }
  Result<void> remove(std::string_view) override { return std::unexpected(error_); }
  Result<std::vector<ObjectInfo>> list(std::string_view) override { return std::unexpected(error_); }

private:
  Error error_;
  bool opens_;
};

class MeteredStorage : public testing::Test {
protected:
  std::unique_ptr<ObjectStorage> over(Error error) {
    return metered(std::make_unique<Failing>(std::move(error)), registry_);
  }

  metrics::Registry registry_;
};

TEST_F(MeteredStorage, CountsEveryOperationByName) {
  const auto storage = over({.code = Errc::io, .message = "broken"});

  EXPECT_THAT(storage->put_if_absent("a", std::string_view("x")), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->get("a", {}), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->get("a", {}), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->open_in_place("a"), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->read("a"), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->compare_and_swap("a", {}, "x"), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->remove("a"), tests::FailsWith(Errc::io));
  EXPECT_THAT(storage->list("a"), tests::FailsWith(Errc::io));

  const std::vector<std::pair<std::string, std::uint64_t>> each = {
      {"put", 1}, {"get", 2}, {"open", 1}, {"read", 1}, {"swap", 1}, {"remove", 1}, {"list", 1}};
  EXPECT_THAT(registry_.by_label("hearth_backend_calls_total", "operation"),
              testing::UnorderedElementsAreArray(each));
  EXPECT_THAT(registry_.by_label("hearth_backend_errors_total", "operation"),
              testing::UnorderedElementsAreArray(each));
}

TEST_F(MeteredStorage, CountsNoCallWhereNobodyWasAsked) {
  const auto storage =
      metered(std::make_unique<Failing>(Error{.code = Errc::unsupported, .message = "no"}, false), registry_);

  EXPECT_THAT(storage->open_in_place("a"), tests::FailsWith(Errc::unsupported));

  EXPECT_EQ(registry_.total("hearth_backend_calls_total"), 0U);
  EXPECT_EQ(registry_.total("hearth_backend_errors_total"), 0U);
}

TEST_F(MeteredStorage, AConflictIsAnAnswer) {
  const auto storage = over({.code = Errc::conflict, .message = "moved"});

  EXPECT_THAT(storage->compare_and_swap("a", {}, "x"), tests::FailsWith(Errc::conflict));

  EXPECT_EQ(registry_.total("hearth_backend_errors_total"), 0);
}

TEST_F(MeteredStorage, CountsRateLimits) {
  const auto limited =
      over({.code = Errc::transient, .message = "429", .retry_after = std::chrono::seconds(1)});
  const auto reset = over({.code = Errc::transient, .message = "reset"});

  EXPECT_THAT(limited->read("a"), tests::FailsWith(Errc::transient));
  EXPECT_THAT(reset->read("a"), tests::FailsWith(Errc::transient));

  EXPECT_EQ(registry_.total("hearth_backend_rate_limited_total"), 1);
}

}  // namespace
}  // namespace agent::backends
