// Runs that are stopped, by whatever means, lose nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "support.h"
#include "tenon/base/random.h"
#include "tenon/train/checkpoint.h"

#if defined(__has_feature)
#define TENON_HAS_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define TENON_HAS_THREAD_SANITIZER 0
#endif

namespace tenon::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Enough steps that kills land between and inside checkpoints.
void write_long_run(const std::filesystem::path& folder) {
  write_small_run(folder, 60, "checkpoint_every = 5\ncheckpoint_seconds = 0\n");
}

bool wait_for_checkpoint(const TemporaryFolder& folder) {
  for (int i = 0; i < 3000; ++i) {
    if (!train::CheckpointFolder(folder / "runs/run").files().empty()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(Resume, KilledRunsEndInTheSameBits) {
  TemporaryFolder whole, killed;
  write_long_run(whole.path());
  write_long_run(killed.path());
  Finished reference = run({"train", "run.toml", "--quiet"}, {.folder = whole.path()});
  ASSERT_EQ(reference.exit_code, 0) << reference.err;

  RandomStream random(RandomKey(static_cast<uint64_t>(::getpid())));
  int kills = 0;
  Finished last;
  for (int attempt = 0; attempt < 200; ++attempt) {
    Process process({"train", "run.toml", "--quiet"}, {.folder = killed.path()});
    // The first ones may die before they did anything; later ones get further.
    double seconds = 0.05 + 0.1 * attempt * random.uniform();
    if (!process.ended_within(seconds)) {
      process.send(SIGKILL);
      ++kills;
    }
    last = process.wait();
    if (last.exit_code == 0) break;
    ASSERT_EQ(last.exit_code, 128 + SIGKILL) << last.err;
  }
  EXPECT_EQ(last.exit_code, 0);
  EXPECT_GT(kills, 0);
  EXPECT_EQ(last.out, reference.out);
  EXPECT_TRUE(read_text(killed / "runs/run/model.tenon") ==
              read_text(whole / "runs/run/model.tenon"))
      << "after " << kills << " kills";
}

TEST(Resume, CtrlCLeavesACheckpoint) {
  TemporaryFolder folder;
  write_long_run(folder.path());
  Process process({"train", "run.toml"}, {.folder = folder.path()});
  ASSERT_TRUE(wait_for_checkpoint(folder));
  process.send(SIGINT);
  Finished stopped = process.wait();
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("stopped with a checkpoint in runs/run"));
  EXPECT_FALSE(std::filesystem::exists(folder / "runs/run/model.tenon"));
  Finished again = run({"train", "run.toml"}, {.folder = folder.path()});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("going on from epoch"));
}

TEST(Resume, AFolderTakesOneRunAtATime) {
  TemporaryFolder folder;
  write_long_run(folder.path());
  Process process({"train", "run.toml"}, {.folder = folder.path()});
  ASSERT_TRUE(wait_for_checkpoint(folder));
  Finished second = run({"train", "run.toml", "--fresh"}, {.folder = folder.path()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("runs/run is in use by another run"));
  EXPECT_FALSE(train::CheckpointFolder(folder / "runs/run").files().empty());
  process.send(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 130);
}

TEST(Resume, AFullDiskLosesNoEarlierCheckpoint) {
#if defined(__SANITIZE_THREAD__) || TENON_HAS_THREAD_SANITIZER
  GTEST_SKIP()
      << "the thread sanitizer needs larger files than the limit that stands for a full disk";
#endif
  TemporaryFolder folder;
  write_long_run(folder.path());
  {
    Process process({"train", "run.toml"}, {.folder = folder.path()});
    ASSERT_TRUE(wait_for_checkpoint(folder));
    process.send(SIGKILL);
    process.wait();
  }
  train::CheckpointFolder checkpoints(folder / "runs/run");
  std::vector<std::filesystem::path> before = checkpoints.files();
  std::vector<std::string> contents;
  for (const auto& path : before) contents.push_back(read_text(path));
  Finished full = run({"train", "run.toml"}, {.folder = folder.path(), .file_size_limit = 4096});
  EXPECT_EQ(full.exit_code, 1) << full.err;
  EXPECT_THAT(full.err, HasSubstr("runs/run"));
  EXPECT_EQ(checkpoints.files(), before);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(read_text(before[i]), contents[i]);
  EXPECT_EQ(run({"train", "run.toml"}, {.folder = folder.path()}).exit_code, 0);
}

TEST(Resume, AFolderThatCannotBeMadeIsAnErrorBeforeTraining) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  write_text(folder / "file", "");
  Finished finished =
      run({"train", "run.toml", "--set", "train.checkpoint=file/run"}, {.folder = folder.path()});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("file/run"));
  EXPECT_THAT(finished.err, Not(HasSubstr("epoch 1")));
  std::filesystem::create_directory(folder / "taken");
  for (const char* option : {"--output", "--report", "--profile"}) {
    for (const char* place : {"missing/x", "taken"}) {
      Finished nowhere = run({"train", "run.toml", option, place}, {.folder = folder.path()});
      EXPECT_EQ(nowhere.exit_code, 1);
      EXPECT_THAT(nowhere.err, HasSubstr(place));
      EXPECT_THAT(nowhere.err, Not(HasSubstr("epoch 1")));
    }
  }
}

TEST(Resume, OtherSettingsOrDataNeedAFreshStart) {
  TemporaryFolder folder;
  write_small_run(folder.path(), 1);
  RunOptions here{.folder = folder.path()};
  ASSERT_EQ(run({"train", "run.toml"}, here).exit_code, 0);
  EXPECT_THAT(run({"train", "run.toml"}, here).err,
              HasSubstr("already finished: 1 epoch is done in runs/run"));
  Finished other = run({"train", "run.toml", "--set", "train.seed=4"}, here);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("train.seed: 3 there, 4 now"));
  EXPECT_EQ(run({"train", "run.toml", "--set", "train.seed=4", "--fresh"}, here).exit_code, 0);
  write_quarters(folder / "train.npz", 256, 7);
  Finished changed = run({"train", "run.toml", "--set", "train.seed=4"}, here);
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.err, HasSubstr("other training data"));
}

TEST(Resume, ARunMayBecomeLongerWhereItsRateDoesNotDependOnItsLength) {
  TemporaryFolder at_once, later;
  for (TemporaryFolder* folder : {&at_once, &later}) write_small_run(folder->path());
  auto train = [](const TemporaryFolder& folder, const std::string& rate, int epochs) {
    return run({"train", "run.toml", "--set", "train.optimizer.learning_rate=" + rate, "--set",
                "train.epochs=" + std::to_string(epochs)},
               {.folder = folder.path()});
  };
  for (int epochs : {1, 2}) EXPECT_EQ(train(later, "1e-2", epochs).exit_code, 0);
  EXPECT_EQ(train(at_once, "1e-2", 2).exit_code, 0);
  EXPECT_EQ(read_text(later / "runs/run/model.tenon"), read_text(at_once / "runs/run/model.tenon"));

  TemporaryFolder planned;
  write_small_run(planned.path());
  EXPECT_EQ(train(planned, "{cosine = 1e-2}", 1).exit_code, 0);
  EXPECT_THAT(train(planned, "{cosine = 1e-2}", 2).err, HasSubstr("train.epochs: 1 there, 2 now"));
}

TEST(Resume, AFreshStartThatFailsChangesNothing) {
  TemporaryFolder folder;
  write_small_run(folder.path(), 1);
  RunOptions here{.folder = folder.path()};
  ASSERT_EQ(run({"train", "run.toml"}, here).exit_code, 0);
  const std::vector<std::filesystem::path> before =
      train::CheckpointFolder(folder / "runs/run").files();
  const std::string settings = read_text(folder / "runs/run/config.toml");
  for (const char* change :
       {"model.layers=[\"flatten\", {dense = 3}]", "train.memory_limit=1000",
        "train.optimizer={name=\"sgd\", learning_rate=1e38, weight_decay=nan}"}) {
    Finished failed = run({"train", "run.toml", "--fresh", "--set", change}, here);
    EXPECT_EQ(failed.exit_code, 1) << change;
    EXPECT_EQ(train::CheckpointFolder(folder / "runs/run").files(), before) << change;
    EXPECT_EQ(read_text(folder / "runs/run/config.toml"), settings) << change;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "runs/run/model.tenon"));
  EXPECT_EQ(run({"train", "run.toml"}, here).exit_code, 0);
  Finished elsewhere = run({"train", "run.toml", "--fresh", "--output", "elsewhere.tenon"}, here);
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_FALSE(std::filesystem::exists(folder / "runs/run/model.tenon")) << "of the run before";
}

TEST(Resume, ALossThatIsNotFiniteNamesStepOpAndCheckpoint) {
  TemporaryFolder folder;
  write_small_run(folder.path());
  Finished finished = run({"train", "run.toml", "--set", "train.checkpoint_every=1", "--set",
                           "train.optimizer={name=\"sgd\", learning_rate=1e38}", "--set",
                           "model.layers=[\"flatten\", {dense = 8}, {dense = 4}]"},
                          {.folder = folder.path()});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("error: the loss became"));
  EXPECT_THAT(finished.err, HasSubstr("in step "));
  EXPECT_THAT(finished.err, HasSubstr("first made by"));
  EXPECT_THAT(finished.err, HasSubstr("last good checkpoint  runs/run/step-"));
}

}  // namespace
}  // namespace tenon::testing
