#pragma once

//   Configuration config = Configuration::load("configs/lenet.toml");   // with its base
//   config.set("train.epochs=1");                                      // --set
//   int64_t epochs = config.get_int("train.epochs", 5);
//   Configuration optimizer = config.section("train.optimizer");
//   config.reject_unknown_keys();                                       // after reading all keys

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Settings from TOML. A key is a path such as "train.optimizer.name"; a number in it selects a
/// list element ("layers.0.conv"). Every getter records the requested key, so that unknown keys can
/// be rejected. Copies and sections are views of the same settings.
///
/// A file with `base = "other.toml"` (or a list of files; paths relative to itself) starts from
/// those and states only its changes. Tables are merged key by key, except that a table with
/// another `name`, or with `layers` in place of a name, replaces the base's table, since options of
/// SGD make no sense for AdamW.
class Configuration {
 public:
  enum class Kind { missing, boolean, integer, number, string, list, table };

  /// No settings.
  Configuration();
  /// Errors: file, line, column and reason.
  static Configuration load(const std::filesystem::path& path);
  /// `origin` names the text in errors; a `base` path is relative to it.
  static Configuration parse(std::string_view text, std::string_view origin);

  /// "key=value" as on a command line. The value is TOML; anything else is taken as a string, so
  /// `model.name=lenet5` needs no quotes.
  void set(std::string_view assignment);

  Kind kind(std::string_view key) const;
  bool has(std::string_view key) const { return kind(key) != Kind::missing; }

  /// Required: a missing key or a wrong type is an error that names the position. A double may be
  /// written as an integer.
  bool get_bool(std::string_view key) const;
  int64_t get_int(std::string_view key) const;
  double get_double(std::string_view key) const;
  std::string get_string(std::string_view key) const;
  std::vector<int64_t> get_ints(std::string_view key) const;
  std::vector<double> get_doubles(std::string_view key) const;
  std::vector<std::string> get_strings(std::string_view key) const;

  /// With a default for a missing key.
  bool get_bool(std::string_view key, bool otherwise) const;
  int64_t get_int(std::string_view key, int64_t otherwise) const;
  double get_double(std::string_view key, double otherwise) const;
  std::string get_string(std::string_view key, std::string_view otherwise) const;

  /// A table as a configuration; empty if missing.
  Configuration section(std::string_view key) const;
  /// The elements of a list, each as a configuration; read a scalar element with key "".
  std::vector<Configuration> list(std::string_view key) const;
  /// The names directly under a table ("" is the whole), in file order. This does not count as
  /// reading them.
  std::vector<std::string> keys(std::string_view key = "") const;

  /// "configs/lenet.toml:3:9", or "--set"; for errors about the value of a key.
  std::string where(std::string_view key) const;

  /// Error for the first keys that no getter requested, each with position and suggestion.
  void reject_unknown_keys() const;

  /// Everything, after bases and overrides, one "key = value" line per setting: parse() reads it.
  std::string to_toml() const;

  struct Node;

 private:
  friend struct ConfigurationReader;
  Configuration(std::shared_ptr<Node> node, std::string prefix);
  const Node* find(std::string_view key) const;
  std::string full_key(std::string_view key) const;

  std::shared_ptr<Node> node_;
  std::string prefix_;
};

struct ConfigurationChange {
  std::string key;
  std::string before;  ///< "" if only the second has it
  std::string after;   ///< "" if only the first has it
};

/// The differences after bases and overrides, in the order of the first; then keys that only the
/// second has.
std::vector<ConfigurationChange> diff(const Configuration& before, const Configuration& after);

}  // namespace tenon
