// Training steps side by side with PyTorch and JAX: the same values, data, threads and precision,
// taking turns.
//
//   bench/train [WORK …] [--seconds S] [--rounds N] [--threads N] [--cpu-time] [--alone]
//               [--profile FILE]
//
// Where TENON_CPU limits the instructions that Tenon uses, it limits the peers, too: oneDNN, MKL,
// PyTorch's own kernels and what XLA compiles (bench/peers/train.py). JAX's matrix products know no
// limit, so that it is shown then, but not counted.
//
// Losses and updated parameters are compared before anything is timed, ours and every peer's with
// those of PyTorch in float64; exits with 1 where they differ.
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>

#include "bench/peer_process.h"
#include "tenon/base/cpu.h"
#include "tenon/base/parallel.h"
#include "tenon/base/profile.h"
#include "tenon/base/strings.h"
#include "tenon/format/safetensors.h"
#include "tenon/models/char_lstm.h"
#include "tenon/models/cnn.h"
#include "tenon/models/gpt.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/models/resnet.h"
#include "tenon/runtime/caches.h"
#include "tenon/train/step.h"

namespace tenon::bench {
namespace {

struct Work {
  std::string name;
  nn::ModelFunction model;
  Type input;
  Type target;
  int64_t classes;
  nn::Optimizer optimizer;
};

std::vector<Work> all_works() {
  nn::Optimizer sgd = nn::sgd({.learning_rate = 0.01, .momentum = 0.9});
  nn::Optimizer adam = nn::adam({.learning_rate = 1e-3});
  nn::Optimizer adamw = nn::adamw({.learning_rate = 1e-3, .weight_decay = 0.01});
  auto type = [](const char* text) { return Type::parse(text); };
  return {
      {"mlp", models::mlp(), type("f32[128,784]"), type("i32[128]"), 10, sgd},
      {"lenet_b64", models::lenet5(), type("f32[64,28,28,1]"), type("i32[64]"), 10, sgd},
      {"lenet_b128", models::lenet5(), type("f32[128,28,28,1]"), type("i32[128]"), 10, sgd},
      {"cnn", models::cnn(), type("f32[128,28,28,1]"), type("i32[128]"), 10, sgd},
      {"resnet18", models::resnet18(), type("f32[64,32,32,3]"), type("i32[64]"), 10, sgd},
      {"lstm", models::char_lstm(), type("i32[50,50]"), type("i32[50,50]"), 65, adam},
      {"gpt_small", models::gpt(), type("i32[12,64]"), type("i32[12,64]"), 65, adamw},
  };
}

Literal random_values(const Type& type, int64_t below, uint64_t seed) {
  Literal values(type.dtype, type.shape.constants());
  RandomStream random{RandomKey(seed)};
  for (int64_t i = 0; i < values.size(); ++i) {
    if (is_floating(type.dtype)) {
      values.set_double(i, random.normal());
    } else {
      values.set_int(i, random.below(below));
    }
  }
  return values;
}

double now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// What one step from the initial values does.
struct Outcome {
  double loss = 0;
  std::vector<double> update;  // of every parameter, one after the other by path
};

/// Our side of a work: its values, and steps from them.
class Ours {
 public:
  explicit Ours(const Work& work) : work_(work) {
    options_.optimizer = work.optimizer;
    variables_ = nn::init(work.model, {work.input}, 0);
    input_ = Tensor(random_values(work.input, work.classes, 1));
    target_ = Tensor(random_values(work.target, work.classes, 2));
    step_ = train::make_step(work.model, options_, 1);
    reset();
  }

  void reset() {
    auto copy = [](const Tensor& leaf) { return Tensor(leaf.literal()); };
    state_ = {map_leaves(copy, variables_.parameters),
              options_.optimizer.init(variables_.parameters), map_leaves(copy, variables_.state),
              Tensor(0)};
  }

  NamedLiterals values() const {
    NamedLiterals named;
    auto add = [&](const std::string& path, const Tensor& leaf) {
      named.emplace(path, leaf.literal());
    };
    for_each_leaf(variables_.parameters, add);
    for_each_leaf(variables_.state, add);
    named.emplace("input", input_.literal());
    named.emplace("target", target_.literal());
    return named;
  }

  double step() {
    train::StepResult result = step_(std::move(state_), input_, target_);
    state_ = std::move(result.state);
    return result.metrics.loss.item();
  }

  /// From the initial parameters to those that `updated` gives for each path.
  std::vector<double> update_to(
      const std::function<Literal(const std::string& path)>& updated) const {
    std::vector<double> update;
    for_each_leaf(variables_.parameters, [&](const std::string& path, const Tensor& leaf) {
      Literal before = leaf.literal();
      Literal now = updated(path);
      for (int64_t i = 0; i < before.size(); ++i) {
        update.push_back(now.to_double(i) - before.to_double(i));
      }
    });
    return update;
  }

  Outcome outcome() {
    reset();
    double loss = step();
    return {loss, update_to([&](const std::string& path) {
              return state_.parameters.at(path).literal();
            })};
  }

  void time(double seconds, Times& times, clockid_t clock) {
    std::vector<double> samples;
    double end = now(clock) + seconds;
    while (now(clock) < end || samples.size() < 3) {
      double start = now(clock);
      step();
      samples.push_back(1e3 * (now(clock) - start));
    }
    std::ranges::sort(samples);
    times.add(samples[0], samples[samples.size() / 2]);
  }

  /// The most bytes that buffers hold during a step, beyond parameters, slots, averages and the
  /// batch.
  double memory() {
    step();
    int64_t kept = 0;
    auto count = [&](const Tensor& leaf) { kept += static_cast<int64_t>(leaf.buffer().bytes()); };
    for_each_leaf(state_.parameters, count);
    for_each_leaf(state_.slots, count);
    for_each_leaf(state_.state, count);
    for_each_leaf(variables_.parameters, count);  // kept for reset()
    for_each_leaf(variables_.state, count);
    count(input_);
    count(target_);
    reset_peak_buffer_bytes();
    step();
    return static_cast<double>(buffer_statistics().peak_bytes - kept);
  }

 private:
  const Work& work_;
  train::FitOptions options_;
  nn::Variables variables_;
  Tensor input_, target_;
  train::StepFunction step_;
  train::TrainState state_;
};

/// A peer that runs in float64: what every other outcome is compared with.
constexpr const char* kReference = "torch_eager float64";

Outcome outcome_of(PeerProcess& peer, const Ours& ours, const std::filesystem::path& folder) {
  std::filesystem::path outputs = folder / "outputs.safetensors";
  peer.ask("load " + (folder / "values.safetensors").string());
  peer.ask("outputs " + outputs.string());
  NamedLiterals named = read_safetensors(outputs);
  return {named.at("loss").to_double(0),
          ours.update_to([&](const std::string& path) { return named.at("updated/" + path); })};
}

/// |update - reference| / |reference|. The update is one vector: single biases in front of a batch
/// norm have gradients that cancel to nothing, in which even the peers do not agree.
double distance(const Outcome& outcome, const Outcome& reference) {
  double apart = 0;
  double norm = 0;
  for (size_t i = 0; i < reference.update.size(); ++i) {
    apart += std::pow(outcome.update[i] - reference.update[i], 2);
    norm += std::pow(reference.update[i], 2);
  }
  return std::sqrt(apart / norm);
}

/// Whether our step does what the peers' do; says how far each is from the reference where not.
///
/// Rounding turns a ReLU whose input is near zero on or off, which moves the gradients of all
/// layers before it: float32 runs of a deep network are as far from float64 as that takes them.
/// Hence ours may be 0.2 % off, or three times as far as the peer that is farthest, but not 2 %.
bool same_outputs(Ours& ours, std::vector<std::unique_ptr<PeerProcess>>& peers,
                  const std::string& work, int threads, const std::filesystem::path& folder) {
  write_safetensors(folder / "values.safetensors", views_of(ours.values()));
  Outcome reference;
  {
    PeerProcess process(work, kReference, threads);
    reference = outcome_of(process, ours, folder);
  }
  Outcome own = ours.outcome();
  double off = distance(own, reference);
  double farthest = 0;
  bool same = std::abs(own.loss - reference.loss) <= 1e-4 * (1 + std::abs(reference.loss));
  std::string report =
      fmt::format("{} differs from {}: loss {}, not {}; updates off by: ours {:.2g}", work,
                  kReference, own.loss, reference.loss, off);
  for (const auto& peer : peers) {
    Outcome theirs = outcome_of(*peer, ours, folder);
    double distant = distance(theirs, reference);
    farthest = std::max(farthest, distant);
    report += fmt::format(", {} {:.2g} (loss {})", peer->name(), distant, theirs.loss);
  }
  same = same && off <= std::clamp(3 * farthest, 2e-3, 2e-2);
  if (!same) fmt::print("{}\n", report);
  return same;
}

struct Options {
  std::vector<std::string> works;
  double seconds = 1.5;
  int rounds = 3;
  int threads = 2;
  bool alone = false;
  bool cpu_time = false;
  std::string profile;
};

/// A row of the table for each peer, or one of our own where there are none.
struct Measured {
  struct Peer {
    std::string name;
    Times times;
    double megabytes;
  };
  std::vector<Peer> peers;
  bool same_outputs = true;
  Times ours;
  double megabytes = 0;
  double first_step = 0;  // seconds, with compiling

  /// How many of our steps the fastest peer's takes, of those that TENON_CPU limits.
  double ratio() const {
    double best = std::numeric_limits<double>::infinity();
    for (const Peer& peer : peers) {
      if (peer.name == "jax" && instruction_set_is_limited()) continue;
      best = std::min(best, peer.times.best);
    }
    return best / ours.best;
  }
};

std::vector<std::unique_ptr<PeerProcess>> start_peers(const std::string& work, int threads) {
  std::vector<std::string> names{"torch_eager", "torch_compile", "jax"};
  const bool images = work == "cnn" || work == "resnet18";
  if (images)
    names.insert(names.end(), {"torch_eager channels_last", "torch_compile channels_last"});
  std::vector<std::unique_ptr<PeerProcess>> processes;
  for (const std::string& name : names)
    processes.push_back(std::make_unique<PeerProcess>(work, name, threads));
  return processes;
}

void profile_step(Ours& ours, const std::string& file) {
  Profile profile;
  set_current_profile(&profile);
  ours.step();
  set_current_profile(nullptr);
  profile.write(file);
}

Measured measure_work(const Work& work, const Options& options, bool with_peers,
                      const std::filesystem::path& folder) {
  Measured measured;
  release_idle_memory();
  auto start = std::chrono::steady_clock::now();
  Ours ours(work);
  ours.step();
  measured.first_step =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!options.profile.empty()) profile_step(ours, options.profile);
  std::vector<std::unique_ptr<PeerProcess>> processes;
  if (with_peers) {
    processes = start_peers(work.name, options.threads);
    measured.same_outputs = same_outputs(ours, processes, work.name, options.threads, folder);
  }
  std::vector<Times> times(processes.size());
  for (int round = 0; round < options.rounds; ++round) {
    for (size_t i = 0; i < processes.size(); ++i) processes[i]->time(options.seconds, times[i]);
    ours.time(options.seconds, measured.ours,
              options.cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
  }
  measured.megabytes = ours.memory() / 1e6;
  for (size_t i = 0; i < processes.size(); ++i) {
    measured.peers.push_back({processes[i]->name(), times[i], processes[i]->memory() / 1e6});
  }
  return measured;
}

/// The processor, and what TENON_CPU leaves of it for every side.
void print_processor() {
  fmt::print("{}, {}{}\n", cpu_info().name, name_of(host_instruction_set()),
             instruction_set_is_limited() ? " for us and the peers, as TENON_CPU says; JAX's "
                                            "products are not limited and not counted"
                                          : "");
}

void print_header() {
  fmt::print("{:<12} {:<27} {:>11} {:>11} {:>11} {:>11} {:>7} {:>9} {:>9}\n", "work", "peer",
             "peer best", "median", "ours best", "median", "ratio", "peer MB", "ours MB");
}

void print_row(const std::string& work, const Measured& measured, const Measured::Peer& peer) {
  fmt::print("{:<12} {:<27} {:>11.3f} {:>11.3f} {:>11.3f} {:>11.3f} {:>7.2f} {:>9.1f} {:>9.1f}\n",
             work, peer.name, peer.times.best, peer.times.median(), measured.ours.best,
             measured.ours.median(), peer.times.best / measured.ours.best, peer.megabytes,
             measured.megabytes);
}

void print_row_alone(const std::string& work, const Measured& measured) {
  fmt::print(
      "{:<12} {:<27} {:>11} {:>11} {:>11.3f} {:>11.3f} {:>7} {:>9} {:>9.1f}  first step {:.2f} s\n",
      work, "-", "-", "-", measured.ours.best, measured.ours.median(), "-", "-", measured.megabytes,
      measured.first_step);
}

int run(const Options& options) {
  set_thread_count(options.threads);
  if (options.cpu_time) ::setenv("TENON_BENCH_CLOCK", "cpu", 1);  // for the peers
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("tenon-bench-{}", ::getpid());
  std::filesystem::create_directories(folder);
  bool with_peers = !options.alone && !peers_python().empty();
  if (!with_peers)
    fmt::print("no peers: our figures alone (./dev bench makes the peers' environment)\n");
  print_processor();
  print_header();
  std::vector<double> ratios;
  int status = 0;
  for (const Work& work : all_works()) {
    if (!options.works.empty() && !std::ranges::count(options.works, work.name)) continue;
    Measured measured = measure_work(work, options, with_peers, folder);
    if (!measured.same_outputs) status = 1;
    for (const Measured::Peer& peer : measured.peers) print_row(work.name, measured, peer);
    if (measured.peers.empty()) {
      print_row_alone(work.name, measured);
    } else {
      ratios.push_back(measured.ratio());
    }
    std::fflush(stdout);
  }
  std::filesystem::remove_all(folder);
  if (ratios.empty()) return status;
  double product = 1;
  for (double ratio : ratios) product *= ratio;
  fmt::print("worst {:.2f}, geometric mean {:.2f}\n", std::ranges::min(ratios),
             std::pow(product, 1.0 / static_cast<double>(ratios.size())));
  return status;
}

/// What is wrong with the name of a work, or "".
std::string check_work(const std::string& name) {
  std::vector<std::string> known;
  for (const Work& work : all_works()) known.push_back(work.name);
  if (std::ranges::count(known, name)) return "";
  return fmt::format("there is no work '{}'; {}", name, hint(name, known));
}

int parse_and_run(int argc, char** argv) {
  Options options;
  CLI::App app("Training steps side by side with PyTorch and JAX.", "bench/train");
  app.add_option("WORK", options.works, "What to train; all works by default")->check(check_work);
  app.add_option("--seconds", options.seconds, "Of a round of each side")
      ->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds, "In which the sides take turns")
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "Of each side")->check(CLI::PositiveNumber);
  app.add_flag("--cpu-time", options.cpu_time,
               "Time of processors, not of the wall: for one thread, on a machine with other work");
  app.add_flag("--alone", options.alone, "Without the peers");
  app.add_option("--profile", options.profile, "Record a step for chrome://tracing")
      ->type_name("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
  return run(options);
}

}  // namespace
}  // namespace tenon::bench

int main(int argc, char** argv) {
  try {
    return tenon::bench::parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
