#include "agent/net/mailbox.hpp"

#include <sys/eventfd.h>

#include <cerrno>

namespace agent::net {

Result<std::shared_ptr<Mailbox>> Mailbox::create() {
  io::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return fail_errno("create", "eventfd", errno);
  }
  return std::make_shared<Mailbox>(std::move(wake));
}

void Mailbox::post(Mail mail) {
  const bool first = box_.with([&](Box& box) {
    if (box.closed) {
      return false;
    }
    box.mail.push_back(std::move(mail));
    return !has_mail_.exchange(true, std::memory_order_release);
  });
  if (first && reader_.load() != std::this_thread::get_id()) {
    ::eventfd_write(wake_.get(), 1);  // fails only where 2^64 wake-ups are pending
  }
}

void Mailbox::take(std::vector<Mail>& into) {
  box_.with([&](Box& box) {
    box.mail.swap(into);
    has_mail_.store(false, std::memory_order_relaxed);
  });
}

void Mailbox::close() {
  std::vector<Mail> dropped;  // destroyed outside the lock: a response may own files
  box_.with([&](Box& box) {
    box.closed = true;
    box.mail.swap(dropped);
  });
}

}  // namespace agent::net
