#include "tenon/base/files.h"

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
