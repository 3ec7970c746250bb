#include "tests/contract/places.hpp"

#include <sys/fsuid.h>
#include <unistd.h>

#include <atomic>

#include "tests/contract/versity_gateway.hpp"
#include "tests/support/temp_folder.hpp"

namespace agent::tests {

namespace {

class DiskPlaceUnderTest final : public StoragePlace {
public:
  std::string url() const override { return "disk://" + folder_.path().string(); }

  void forbid_writing() override {
    namespace fs = std::filesystem;
    fs::permissions(folder_.path(), fs::perms(0555));
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      fs::permissions(entry.path(), entry.is_directory() ? fs::perms(0555) : fs::perms(0444));
    }
    if (::geteuid() == 0) {
      constexpr unsigned k_nobody = 65534;  // modes do not bind root; this thread alone becomes someone else
      ::setfsuid(k_nobody);
    }
  }

private:
  TempFolder folder_;
};

class S3PlaceUnderTest final : public StoragePlace {
public:
  std::string url() const override { return gateway_.url(); }
  backends::Variables variables() const override {
    return VersityGateway::variables(reading_only_ ? VersityGateway::Account::reader
                                                   : VersityGateway::Account::owner);
  }
  void forbid_writing() override { reading_only_ = true; }

private:
  VersityGateway gateway_;
  std::atomic<bool> reading_only_ = false;
};

}  // namespace

std::unique_ptr<StoragePlace> make_disk_place() {
  return std::make_unique<DiskPlaceUnderTest>();
}

std::unique_ptr<StoragePlace> make_s3_place() {
  return std::make_unique<S3PlaceUnderTest>();
}

}  // namespace agent::tests
