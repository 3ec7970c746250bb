// GitHub's cache service as the contract suite sees it: the emulator, a runtime token, and a REST token,
// without which nothing can be listed or removed.
#include <atomic>

#include "tests/contract/github_emulator.hpp"
#include "tests/contract/places.hpp"

namespace agent::tests {

namespace {

class GithubPlaceUnderTest final : public StoragePlace {
public:
  // Impatient, so that a writer that waits for another one's reservation does not hold up the test.
  std::string url() const override { return "github://?patience=2s"; }

  backends::Variables variables() const override {
    return emulator_.variables(forbidden_ ? k_reads : k_reads_and_writes);
  }

  void forbid_writing() override {
    forbidden_ = true;
    emulator_.control("settings", io::JsonObject{{"rest_writes", false}});
  }

private:
  GithubEmulator emulator_;
  std::atomic<bool> forbidden_ = false;
};

}  // namespace

std::unique_ptr<StoragePlace> make_github_place() {
  return std::make_unique<GithubPlaceUnderTest>();
}

}  // namespace agent::tests
