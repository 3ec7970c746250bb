#include "agent/launcher/activity.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace agent::launcher {
namespace {

// A child that does nothing until it is killed.
class IdleChild {
public:
  IdleChild() : pid_(::fork()) {
    if (pid_ == 0) {
      while (true) {
        ::pause();
      }
    }
  }
  IdleChild(const IdleChild&) = delete;
  IdleChild& operator=(const IdleChild&) = delete;
  ~IdleChild() {
    kill();
    ::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }

  // It is a zombie then: nobody has waited for it.
  void kill() const {
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
  }

  void stop() const {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }

private:
  pid_t pid_;
};

TEST(Activity, TellsWhetherAProcessWasStopped) {
  const IdleChild child;
  EXPECT_FALSE(activity_of(child.pid()).stopped());

  child.stop();

  EXPECT_TRUE(activity_of(child.pid()).stopped());
}

TEST(Activity, IsTheSameOfAProcessThatDoesNothing) {
  const IdleChild child;
  child.stop();
  const auto before = activity_of(child.pid());

  EXPECT_GT(before.size, 0U);
  EXPECT_TRUE(activity_of(child.pid()) == before);
  EXPECT_FALSE(activity_of(::getpid()) == before);
}

TEST(Activity, OfNoProcessIsEmpty) {
  constexpr int k_no_process = 0x7fffffff;

  EXPECT_EQ(activity_of(k_no_process).size, 0U);
  EXPECT_EQ(activity_of(k_no_process).state(), '\0');
  EXPECT_FALSE(may_have_running_child(k_no_process));
}

TEST(RunningChild, IsOneThatHasNotEnded) {
  EXPECT_FALSE(may_have_running_child(::getpid()));
  const IdleChild child;
  EXPECT_TRUE(may_have_running_child(::getpid()));

  child.kill();

  EXPECT_FALSE(may_have_running_child(::getpid())) << "a zombie runs no more";
}

}  // namespace
}  // namespace agent::launcher
