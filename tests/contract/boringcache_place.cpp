// A `hearth server` over a folder in memory, in this process, with a token that saves and one that restores.
#include <gtest/gtest.h>

#include <atomic>

#include "agent/server/server.hpp"
#include "tests/contract/places.hpp"
#include "tests/support/result_matchers.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

namespace {

class BoringcachePlaceUnderTest final : public StoragePlace {
public:
  BoringcachePlaceUnderTest() {
    server::ServerOptions options;
    options.storage = "disk://" + folder_.path().string();
    options.service.spool = folder_.path();
    auto started = server::Server::start(std::move(options));
    EXPECT_THAT(started, Succeeds());
    server_ = started ? *std::move(started) : nullptr;
    save_ = new_token(server::Level::save);
    restore_ = new_token(server::Level::restore);
  }

  std::string url() const override {
    return fmt::format("boringcache://127.0.0.1:{}/acme/contract", server_->port());
  }

  backends::Variables variables() const override {
    return [restore = restore_, save = reading_only_ ? std::string() : save_](const char* name) {
      const std::string_view wanted(name);
      return wanted == "BORINGCACHE_RESTORE_TOKEN" ? restore
             : wanted == "BORINGCACHE_SAVE_TOKEN"  ? save
                                                   : std::string();
    };
  }

  void forbid_writing() override { reading_only_ = true; }

private:
  std::string new_token(server::Level level) {
    const SystemClock clock;
    metrics::Registry registry;
    auto storage =
        backends::open_storage("disk://" + folder_.path().string(), {.clock = clock, .registry = registry});
    EXPECT_THAT(storage, Succeeds());
    server::Tokens tokens(**storage, clock, Secret());
    const auto issued = tokens.create({.name = "contract", .workspace = "acme/contract", .level = level});
    EXPECT_THAT(issued, Succeeds());
    return issued ? issued->text.reveal() : std::string();
  }

  TempFolder folder_{memory_folder()};
  std::unique_ptr<server::Server> server_;
  std::string save_;
  std::string restore_;
  std::atomic<bool> reading_only_ = false;
};

}  // namespace

std::unique_ptr<StoragePlace> make_boringcache_place() {
  return std::make_unique<BoringcachePlaceUnderTest>();
}

}  // namespace agent::tests
