#include "tests/contract/places.hpp"

#include <sys/fsuid.h>
#include <unistd.h>

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

}  // namespace

std::unique_ptr<StoragePlace> make_disk_place() {
  return std::make_unique<DiskPlaceUnderTest>();
}

}  // namespace agent::tests
