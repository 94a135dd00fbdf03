#include "tenon/compile/codegen/object_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tenon/base/files.h"
#include "tests/support.h"

namespace tenon {
namespace {

using Object = std::vector<std::byte>;

/// With its header one block long.
Object object_of(uint64_t number) { return Object(1000, static_cast<std::byte>(number)); }

int64_t bytes_in(const std::filesystem::path& folder) {
  int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".o") bytes += ObjectCache::kBlock;
  }
  return bytes;
}

/// Says that an entry was last used so many minutes ago.
void age(const std::filesystem::path& folder, const Hash128& key, int minutes) {
  std::filesystem::last_write_time(
      folder / (key.hex() + ".o"),
      std::filesystem::file_time_type::clock::now() - std::chrono::minutes(minutes));
}

TEST(ObjectCache, FindsOnlyWhatWasStored) {
  const TemporaryFolder folder;
  const ObjectCache cache(folder.path());
  EXPECT_FALSE(cache.find({1, 2}).has_value());
  cache.store({1, 2}, object_of(42));
  EXPECT_EQ(cache.find({1, 2}), object_of(42));
  EXPECT_FALSE(cache.find({1, 3}).has_value());
  EXPECT_EQ(cache.statistics().hits, 1);
  EXPECT_EQ(cache.statistics().made, 1);
  EXPECT_EQ(cache.statistics().bytes, ObjectCache::kBlock);
}

TEST(ObjectCache, LetsGoOfWhatWasNotUsedForTheLongestTime) {
  const TemporaryFolder folder;
  const ObjectCache cache(folder.path(), 8 * ObjectCache::kBlock);
  for (uint64_t i = 0; i < 8; ++i) {
    cache.store({i, i}, object_of(i));
    age(folder.path(), {i, i}, static_cast<int>(100 - i));
  }
  EXPECT_EQ(bytes_in(folder.path()), 8 * ObjectCache::kBlock);
  EXPECT_TRUE(cache.find({0, 0}).has_value());  // the oldest is used again
  cache.store({8, 8}, object_of(8));
  // Room is made for a while: a quarter of the limit.
  EXPECT_EQ(bytes_in(folder.path()), 6 * ObjectCache::kBlock);
  for (uint64_t i : {0, 4, 5, 6, 7, 8}) EXPECT_EQ(cache.find({i, i}), object_of(i)) << i;
  for (uint64_t i : {1, 2, 3}) EXPECT_FALSE(cache.find({i, i}).has_value()) << i;
  EXPECT_EQ(cache.statistics().evicted, 3);
  EXPECT_EQ(cache.statistics().bytes, 6 * ObjectCache::kBlock);
}

TEST(ObjectCache, StaysBelowItsLimitAndKeepsTheNewest) {
  const TemporaryFolder folder;
  const int64_t limit = 16 * ObjectCache::kBlock;
  for (uint64_t i = 0; i < 200; ++i) {
    const ObjectCache cache(folder.path(), limit);  // as by a process of its own
    cache.store({i, 1}, object_of(i));
    EXPECT_LE(bytes_in(folder.path()), limit);
    EXPECT_EQ(cache.find({i, 1}), object_of(i));
  }
}

TEST(ObjectCache, ObjectsBeyondTheLimitAreNotKept) {
  const TemporaryFolder folder;
  for (int64_t limit : {int64_t{0}, ObjectCache::kBlock - 1}) {
    const ObjectCache cache(folder.path(), limit);
    cache.store({1, 1}, object_of(1));
    EXPECT_FALSE(cache.find({1, 1}).has_value());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ObjectCache, LeavesFilesOfOthersAlone) {
  const TemporaryFolder folder;
  const std::string hex = Hash128{7, 7}.hex();
  for (const std::string& name : {std::string("notes.txt"), std::string("a.o"), hex, hex + "0.o"})
    atomic_write(folder / name, std::string(100000, 'x'));
  std::filesystem::create_directory(folder / (hex + ".o"));
  const ObjectCache cache(folder.path(), 2 * ObjectCache::kBlock);
  for (uint64_t i = 0; i < 20; ++i) cache.store({i, i}, object_of(i));
  for (const std::string& name : {std::string("notes.txt"), std::string("a.o"), hex, hex + "0.o"})
    EXPECT_EQ(std::filesystem::file_size(folder / name), 100000u) << name;
  EXPECT_TRUE(std::filesystem::is_directory(folder / (hex + ".o")));
  EXPECT_TRUE(cache.find({19, 19}).has_value());
}

TEST(ObjectCache, RemovesWhatProcessesThatDiedLeftHalfWritten) {
  const TemporaryFolder folder;
  const std::string old = Hash128{1, 1}.hex() + ".aaaaaa", fresh = Hash128{1, 1}.hex() + ".bbbbbb";
  for (const std::string& name : {old, fresh}) atomic_write(folder / name, "half");
  std::filesystem::last_write_time(
      folder / old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  ObjectCache(folder.path()).store({2, 2}, object_of(2));
  EXPECT_FALSE(std::filesystem::exists(folder / old));
  EXPECT_TRUE(std::filesystem::exists(folder / fresh));
}

TEST(ObjectCache, ADamagedCountIsMadeAnew) {
  for (const std::string damage : {"", "x", "-5\n", "12", "999999999999999999999999\n"}) {
    const TemporaryFolder folder;
    const ObjectCache cache(folder.path(), 4 * ObjectCache::kBlock);
    for (uint64_t i = 0; i < 3; ++i) cache.store({i, i}, object_of(i));
    std::filesystem::remove(folder / "size");
    atomic_write(folder / "size", damage);
    for (uint64_t i = 3; i < 9; ++i) cache.store({i, i}, object_of(i));
    EXPECT_LE(bytes_in(folder.path()), 4 * ObjectCache::kBlock) << damage;
    EXPECT_EQ(cache.find({8, 8}), object_of(8)) << damage;
  }
}

// Where nothing can be counted the limit still holds, roughly.
void expect_bounded_without_a_count(const std::filesystem::path& folder) {
  const ObjectCache cache(folder, 16 * ObjectCache::kBlock);
  for (uint64_t i = 0; i < 200; ++i) cache.store({i, i}, object_of(i));
  EXPECT_LE(bytes_in(folder), 20 * ObjectCache::kBlock);
  EXPECT_EQ(cache.find({199, 199}), object_of(199));
}

TEST(ObjectCache, ACountThatIsLockedOrNoFileIsNoError) {
  const TemporaryFolder locked, other;
  const int lock = ::open((locked / "size").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  expect_bounded_without_a_count(locked.path());
  ::close(lock);
  std::filesystem::create_directory(other / "size");
  expect_bounded_without_a_count(other.path());
}

TEST(ObjectCache, AFolderThatCannotBeWrittenIsNoError) {
  for (const char* folder : {"/proc/tenon", "/dev/null", "/dev/null/x"}) {
    const ObjectCache cache(folder);
    cache.store({1, 1}, object_of(1));
    EXPECT_FALSE(cache.find({1, 1}).has_value());
  }
}

/// Stores and looks for objects as several users of a cache that is much too small do. False where
/// what was found was not what was stored.
bool use(const std::filesystem::path& folder, uint64_t seed) {
  const ObjectCache cache(folder, 8 * ObjectCache::kBlock);
  uint64_t state = seed;
  for (int i = 0; i < 400; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t number = (state >> 33) % 24;
    if (auto found = cache.find({number, number})) {
      if (*found != object_of(number)) return false;
    } else {
      cache.store({number, number}, object_of(number));
    }
  }
  return true;
}

TEST(ObjectCache, ThreadsShareATinyFolder) {
  const TemporaryFolder folder;
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] { right += use(folder.path(), t) ? 1 : 0; });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right, 4);
  EXPECT_LE(bytes_in(folder.path()), 12 * ObjectCache::kBlock);
}

TEST(ObjectCache, ProcessesShareATinyFolder) {
  const TemporaryFolder folder;
  std::vector<pid_t> children;
  for (uint64_t t = 0; t < 3; ++t) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(use(folder.path(), 100 + t) ? 0 : 1);
    children.push_back(child);
  }
  EXPECT_TRUE(use(folder.path(), 7));
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_LE(bytes_in(folder.path()), 12 * ObjectCache::kBlock);
}

}  // namespace
}  // namespace tenon
