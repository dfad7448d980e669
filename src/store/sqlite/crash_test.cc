// kill -9 at random moments: what was acknowledged before is there afterwards.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "store/sqlite/sqlite_store.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::store::testing {
namespace {

constexpr int kRounds = 20;
constexpr int kKeys = 10;
constexpr int kWriters = 4;

// The value of a revision, so that a reader can check it.
Bytes value_of(std::uint32_t round, Revision number) {
  return std::make_shared<const std::string>(cat(round, "/", number, "/", std::string(700, 'v')));
}

struct Acknowledged {
  std::uint32_t round;
  std::int32_t key;
  Revision number;
  Revision revision;
};
static_assert(sizeof(Acknowledged) <= 512, "a write to a pipe is whole");

async::Task<bool> write_on(Store* store, std::uint32_t round, int writer, int pipe) {
  for (Revision number = writer;; number += kWriters) {
    const auto key = static_cast<std::int32_t>(number % kKeys);
    auto done =
        co_await store->write({.key = cat("/k", key), .value = value_of(round, number)}, {});
    if (!done) co_return false;
    const Acknowledged out{round, key, number, *done};
    if (::write(pipe, &out, sizeof out) != sizeof out) co_return false;
    if (number % 500 == 0) {
      const Status compacted = co_await store->compact(*done, {});
      if (!compacted.ok()) co_return false;
    }
  }
}

[[noreturn]] void child(const std::string& directory, std::uint32_t round, int pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  PumpExecutor executor;
  auto store = open_sqlite(executor, {.path = directory});
  if (!store) ::_exit(2);
  std::vector<PumpExecutor::Started<bool>> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(executor.start(write_on(store->get(), round, i, pipe)));
  }
  for (auto& writer : writers) (void)executor.wait(writer);
  ::_exit(3);
}

TEST(CrashTest, AcknowledgedWritesSurviveKill) {
  const TemporaryDirectory directory;
  std::minstd_rand random(42);
  Revision newest = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) child(directory.path(), round, pipe[1]);
    ::close(pipe[1]);

    // Dies after a random number of answers, in the middle of what it does then.
    const auto limit = std::uniform_int_distribution<int>(1, 400)(random);
    std::vector<Acknowledged> acknowledged;
    Acknowledged one{};
    bool killed = false;
    while (::read(pipe[0], &one, sizeof one) == sizeof one) {
      acknowledged.push_back(one);
      if (!killed && static_cast<int>(acknowledged.size()) >= limit) {
        killed = true;
        ::kill(pid, SIGKILL);
      }
    }
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);

    PumpExecutor executor;
    auto store = open_sqlite(executor, {.path = directory.path()});
    ASSERT_TRUE(store) << store.error().to_string();
    std::array<Acknowledged, kKeys> last{};
    for (const auto& each : acknowledged) {
      EXPECT_GT(each.revision, newest);
      auto& slot = last[static_cast<std::size_t>(each.key)];
      if (each.revision > slot.revision) slot = each;
    }
    EXPECT_GE((*store)->revision(), newest);
    for (const auto& each : last) {
      if (each.revision == 0) continue;
      EXPECT_LE(each.revision, (*store)->revision());
      const auto entry = executor.run((*store)->get(cat("/k", each.key), {}));
      ASSERT_TRUE(entry) << entry.error().to_string();
      ASSERT_TRUE(*entry) << "key " << each.key << " of revision " << each.revision << " is gone";
      // A later write may have been committed and not yet answered.
      EXPECT_GE((*entry)->mod_revision, each.revision);
      if ((*entry)->mod_revision == each.revision) {
        EXPECT_EQ(*(*entry)->value, *value_of(each.round, each.number));
      }
    }
    newest = (*store)->revision();
    executor.run((*store)->close());
  }
  EXPECT_GT(newest, kRounds);
}

}  // namespace
}  // namespace kpp::store::testing
