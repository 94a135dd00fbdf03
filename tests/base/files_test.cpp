#include "tenon/base/files.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <thread>

#include "tenon/base/error.h"
#include "tests/support.h"

namespace tenon {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  size_t file_count() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  TemporaryFolder folder_;
};

TEST_F(Files, WritesAndReadsBack) {
  const std::string text("a\0b", 3);
  atomic_write(folder_ / "x", text);
  EXPECT_EQ(read_file(folder_ / "x"), text);
  atomic_write(folder_ / "x", "");
  EXPECT_EQ(read_file(folder_ / "x"), "");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, MapsBytesAndTheEmptyFile) {
  atomic_write(folder_ / "x", "tenon");
  atomic_write(folder_ / "empty", "");
  MappedFile file(folder_ / "x");
  EXPECT_EQ(file.text(), "tenon");
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().size(), 5u);
  const MappedFile empty(folder_ / "empty");
  EXPECT_TRUE(empty.bytes().empty());
}

TEST_F(Files, ErrorsNameThePathAndTheReason) {
  try {
    read_file(folder_ / "missing.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_EQ(error.message(),
              "cannot open " + (folder_ / "missing.toml").string() + ": No such file or directory");
  }
  EXPECT_THROW(read_file(folder_.path()), Error);
  EXPECT_THROW(MappedFile{folder_.path()}, Error);
  EXPECT_THROW(atomic_write(folder_ / "no" / "x", "text"), Error);
}

TEST_F(Files, AnAbandonedWriteLeavesTheOldFile) {
  atomic_write(folder_ / "x", "old");
  {
    AtomicFile file(folder_ / "x");
    file.write("half of the n");
  }
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, AFullDiskLeavesTheOldFileAndSaysSo) {
  atomic_write(folder_ / "x", "old");
  // A limit on the size of files fails in write(), as a full disk does.
  struct rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = 1000;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  try {
    atomic_write(folder_ / "x", std::string(5000, 'n'));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource_exhausted);
    EXPECT_EQ(error.notes().back(), "the file that was there is unchanged");
  }
  setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, MoreThanTheDiskHoldsIsRefusedBeforeWriting) {
  EXPECT_THROW(AtomicFile(folder_ / "x", uint64_t{1} << 62), Error);
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(Files, WritesThroughASymbolicLink) {
  atomic_write(folder_ / "real", "old");
  fs::create_symlink(folder_ / "real", folder_ / "link");
  atomic_write(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "real"), "new");
}

TEST_F(Files, WritesThroughALinkWhoseTargetIsNotThereYet) {
  fs::create_directory(folder_ / "sub");
  fs::create_symlink("sub/second", folder_ / "first");
  fs::create_symlink("real", folder_ / "sub" / "second");
  atomic_write(folder_ / "first", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "first"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "sub" / "second"));
  EXPECT_EQ(read_file(folder_ / "sub" / "real"), "new");
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_THROW(atomic_write(folder_ / "loop", "x"), Error);
}

TEST_F(Files, APipeIsWrittenIntoAndReadWhole) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  require_writable(pipe);  // must neither wait for a reader nor replace it
  const std::string text(300'000, 'x');
  std::thread writer([&] { atomic_write(pipe, text); });
  MappedFile file(pipe);
  writer.join();
  EXPECT_EQ(file.text(), text);
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.text(), text);
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, WhatStandardErrorGoesToIsNotReplaced) {
  testing::internal::CaptureStderr();
  std::fputs("before ", stderr);
  atomic_write("/dev/stderr", "report ");
  std::fputs("after", stderr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "before report after");
}

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

/// Runs with another umask.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

TEST_F(Files, PermissionsAreThoseOfTheFileThatIsReplaced) {
  for (mode_t mask : {0, 022, 0277}) {
    const Umask umask(mask);
    for (mode_t mode : {0600, 0640, 0666, 0755}) {
      SCOPED_TRACE(fmt::format("{:o} under {:o}", mode, mask));
      std::fclose(std::fopen((folder_ / "x").c_str(), "a"));
      ASSERT_EQ(::chmod((folder_ / "x").c_str(), mode), 0);
      require_writable(folder_ / "x");
      EXPECT_EQ(mode_of(folder_ / "x"), mode);
      atomic_write(folder_ / "x", "new");
      EXPECT_EQ(mode_of(folder_ / "x"), mode);
      fs::remove(folder_ / "link");
      fs::create_symlink(folder_ / "x", folder_ / "link");
      atomic_write(folder_ / "link", "through the link");
      EXPECT_EQ(mode_of(folder_ / "x"), mode);
      fs::remove(folder_ / "x");
    }
    atomic_write(folder_ / "x", "from nothing");
    EXPECT_EQ(mode_of(folder_ / "x"), 0666 & ~mask);
    fs::remove(folder_ / "x");
  }
}

TEST_F(Files, NobodyElseReadsTheFileBeforeItIsComplete) {
  const Umask umask(0);
  atomic_write(folder_ / "x", "old");
  ASSERT_EQ(::chmod((folder_ / "x").c_str(), 0644), 0);
  AtomicFile file(folder_ / "x");
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    const mode_t wanted = entry.path().filename() == "x" ? 0644 : 0600;
    EXPECT_EQ(mode_of(entry.path()), wanted) << entry.path();
  }
  ASSERT_EQ(::chmod((folder_ / "x").c_str(), 0640), 0);  // meanwhile
  file.commit();
  EXPECT_EQ(mode_of(folder_ / "x"), 0640u);
}

/// As a user without rights of its own, where the tests run as root.
class AsNobody {
 public:
  AsNobody() {
    constexpr uid_t kNobody = 65534;
    if (!root_) return;
    groups_.resize(static_cast<size_t>(::getgroups(0, nullptr)));
    const int count = ::getgroups(static_cast<int>(groups_.size()), groups_.data());
    if (count < 0 || ::setgroups(0, nullptr) != 0 || ::setegid(kNobody) != 0 ||
        ::seteuid(kNobody) != 0)
      std::abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (root_ && (::seteuid(0) != 0 || ::setegid(0) != 0 ||
                  ::setgroups(groups_.size(), groups_.data()) != 0))
      std::abort();
  }

 private:
  bool root_ = ::geteuid() == 0;
  std::vector<gid_t> groups_;
};

TEST_F(Files, AWriteProtectedFileOrFolderIsNotWritten) {
  atomic_write(folder_ / "x", "old");
  fs::create_directory(folder_ / "sub");
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
  ASSERT_EQ(::chmod((folder_ / "x").c_str(), 0444), 0);
  ASSERT_EQ(::chmod((folder_ / "sub").c_str(), 0555), 0);
  const AsNobody nobody;
  for (const auto& [path, wanted] :
       {std::pair(folder_ / "x", "cannot write " + (folder_ / "x").string()),
        std::pair(folder_ / "sub" / "y", "cannot create " + (folder_ / "sub" / "y").string())}) {
    for (const auto& write : {std::function([&] { require_writable(path); }),
                              std::function([&] { atomic_write(path, "new"); })}) {
      const Error error = thrown_by(write);
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_EQ(error.message(), wanted + ": Permission denied");
    }
  }
  EXPECT_EQ(read_file(folder_ / "x"), "old");
  EXPECT_EQ(mode_of(folder_ / "x"), 0444u);
  EXPECT_EQ(file_count(), 2u);
}

TEST_F(Files, RootLeavesOwnerAndGroupAsTheyWere) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  atomic_write(folder_ / "x", "old");
  ASSERT_EQ(::chown((folder_ / "x").c_str(), 1234, 5678), 0);
  ASSERT_EQ(::chmod((folder_ / "x").c_str(), 0640), 0);
  atomic_write(folder_ / "x", "new");
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "x").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234u);
  EXPECT_EQ(status.st_gid, 5678u);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
}

TEST_F(Files, AGroupThatCannotBeKeptGetsNoMoreThanEverybody) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a file of others to begin with";
  atomic_write(folder_ / "x", "old");
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
  ASSERT_EQ(::chmod((folder_ / "x").c_str(), 0672), 0);  // everybody may write but not read
  {
    const AsNobody nobody;
    atomic_write(folder_ / "x", "new");
  }
  EXPECT_EQ(mode_of(folder_ / "x"), 0622u);
}

TEST_F(Files, AFolderIsNoPlaceForAFile) {
  fs::create_directory(folder_ / "sub");
  for (const auto& write : {std::function([](const fs::path& path) { require_writable(path); }),
                            std::function([](const fs::path& path) { AtomicFile file(path); })}) {
    try {
      write(folder_ / "sub");
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "cannot write " + (folder_ / "sub").string() + ": Is a directory");
    }
  }
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(Files, RemovesWhatKilledWritersLeft) {
  // Process numbers end below 2^22, so nobody has this one.
  atomic_write(folder_ / ".x.tenon-tmp-99999999-0", "stale");
  AtomicFile running(folder_ / "x");
  remove_stale_temporaries(folder_.path());
  EXPECT_EQ(file_count(), 1u);
  running.commit();
  EXPECT_TRUE(fs::exists(folder_ / "x"));
}

TEST_F(Files, AFolderHasOneUserAtATime) {
  {
    FolderLock first(folder_ / "run");
    try {
      FolderLock second(folder_ / "run");
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::already_exists);
      EXPECT_EQ(error.notes(), std::vector{fmt::format("process {}", ::getpid())});
    }
    FolderLock other(folder_ / "other");
  }
  FolderLock again(folder_ / "run");
}

}  // namespace
}  // namespace tenon
