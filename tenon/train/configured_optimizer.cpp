#include <array>

#include "tenon/base/strings.h"
#include "tenon/train/configured.h"
#include "tenon/train/configured_values.h"

namespace tenon::train {

namespace {

/// A schedule is named by the key that holds its rate.
struct ScheduleEntry {
  const char* name;
  nn::LearningRate (*make)(double rate, const Configuration& options);
};
constexpr std::array kSchedules = {
    ScheduleEntry{"one_cycle",
                  [](double rate, const Configuration& o) {
                    return nn::one_cycle(rate, o.get_double("rise", 0.3));
                  }},
    ScheduleEntry{"cosine",
                  [](double rate, const Configuration& o) {
                    const double last = o.get_double("final", 0);
                    if (!o.has("period")) return nn::cosine(rate, last);
                    return nn::cosine_restarts(rate, o.get_int("period"), o.get_int("factor", 1),
                                               last);
                  }},
    ScheduleEntry{"step",
                  [](double rate, const Configuration& o) {
                    const double factor = o.get_double("factor", 0.1);
                    return o.has("at") ? nn::multi_step(rate, factor, o.get_ints("at"))
                                       : nn::step_decay(rate, factor, o.get_int("every"));
                  }},
    ScheduleEntry{"exponential",
                  [](double rate, const Configuration& o) {
                    return nn::exponential(rate, o.get_double("factor"));
                  }},
    ScheduleEntry{"polynomial",
                  [](double rate, const Configuration& o) {
                    return nn::polynomial(rate, o.get_double("power", 1), o.get_double("final", 0));
                  }},
    ScheduleEntry{"inverse_square_root",
                  [](double rate, const Configuration& o) {
                    return nn::inverse_square_root(rate, o.get_int("warm_up"));
                  }},
    ScheduleEntry{"constant",
                  [](double rate, const Configuration&) { return nn::LearningRate(rate); }},
};

nn::LearningRate schedule_of(const Configuration& section, std::string_view key) {
  if (section.kind(key) != Configuration::Kind::table)
    return nn::LearningRate(section.get_double(key));
  Configuration s = section.section(key);
  std::vector<std::string> known;
  for (const ScheduleEntry& entry : kSchedules) {
    known.emplace_back(entry.name);
    if (!s.has(entry.name)) continue;
    nn::LearningRate schedule = entry.make(s.get_double(entry.name), s);
    const bool warms_up_itself = std::string_view(entry.name) == "inverse_square_root";
    if (s.has("warm_up") && !warms_up_itself)
      schedule = nn::warm_up(schedule, s.get_int("warm_up"));
    return schedule;
  }
  std::vector<std::string> given = s.keys();
  throw make_error(ErrorCode::invalid_argument, "{}: which schedule?", key)
      .note("at {}", section.where(key))
      .note("expected: a number, or a table such as {{one_cycle = 4e-3}}")
      .note("hint: {}", hint(given.empty() ? "" : given[0], known));
}

}  // namespace

nn::LearningRate configure_learning_rate(const Configuration& section, std::string_view key) {
  return at_key(section, key, [&] { return schedule_of(section, key); });
}

namespace {

/// [{parameters = "**.bias", weight_decay = 0}, …]
std::vector<nn::ParameterGroup> groups_of(const Configuration& o) {
  std::vector<nn::ParameterGroup> groups;
  for (const Configuration& g : o.list("groups")) {
    nn::ParameterGroup group{.pattern = g.get_string("parameters")};
    group.learning_rate = g.get_double("learning_rate", 1);
    if (g.has("weight_decay")) group.weight_decay = g.get_double("weight_decay");
    groups.push_back(group);
  }
  return groups;
}

/// What every optimiser understands.
nn::Optimizer with_common_options(nn::Optimizer optimizer, const Configuration& o) {
  if (o.has("clip")) optimizer = optimizer.with_clipped_gradient(o.get_double("clip"));
  if (o.has("clip_values")) optimizer = optimizer.with_clipped_values(o.get_double("clip_values"));
  return o.has("groups") ? optimizer.with_groups(groups_of(o)) : optimizer;
}

/// The options of a kind, with what all kinds have.
template <class Options>
Options options_of(const Configuration& o) {
  Options options;
  if (o.has("learning_rate")) options.learning_rate = configure_learning_rate(o, "learning_rate");
  options.weight_decay = o.get_double("weight_decay", options.weight_decay);
  return options;
}

template <class Options>
void read_betas(const Configuration& o, Options& options) {
  if (!o.has("betas")) return;
  const std::vector<double> betas = o.get_doubles("betas");
  if (betas.size() != 2)
    fail(ErrorCode::invalid_argument, "{}: betas are two numbers, not {}", o.where("betas"),
         betas.size());
  options.beta1 = betas[0];
  options.beta2 = betas[1];
}

nn::Optimizer sgd(const Configuration& o) {
  auto options = options_of<nn::SgdOptions>(o);
  options.momentum = o.get_double("momentum", options.momentum);
  options.nesterov = o.get_bool("nesterov", options.nesterov);
  return nn::sgd(options);
}

nn::AdamOptions adam_options(const Configuration& o) {
  auto options = options_of<nn::AdamOptions>(o);
  read_betas(o, options);
  options.epsilon = o.get_double("epsilon", options.epsilon);
  options.amsgrad = o.get_bool("amsgrad", options.amsgrad);
  return options;
}

nn::Optimizer adagrad(const Configuration& o) {
  auto options = options_of<nn::AdagradOptions>(o);
  options.initial = o.get_double("initial", options.initial);
  options.epsilon = o.get_double("epsilon", options.epsilon);
  return nn::adagrad(options);
}

nn::Optimizer rmsprop(const Configuration& o) {
  auto options = options_of<nn::RmsPropOptions>(o);
  options.decay = o.get_double("decay", options.decay);
  options.momentum = o.get_double("momentum", options.momentum);
  options.centered = o.get_bool("centered", options.centered);
  options.epsilon = o.get_double("epsilon", options.epsilon);
  return nn::rmsprop(options);
}

nn::Optimizer lars(const Configuration& o) {
  auto options = options_of<nn::LarsOptions>(o);
  options.momentum = o.get_double("momentum", options.momentum);
  options.trust = o.get_double("trust", options.trust);
  options.adapt_vectors = o.get_bool("adapt_vectors", options.adapt_vectors);
  return nn::lars(options);
}

nn::Optimizer lamb(const Configuration& o) {
  auto options = options_of<nn::LambOptions>(o);
  read_betas(o, options);
  options.epsilon = o.get_double("epsilon", options.epsilon);
  options.adapt_vectors = o.get_bool("adapt_vectors", options.adapt_vectors);
  return nn::lamb(options);
}

nn::Optimizer lion(const Configuration& o) {
  auto options = options_of<nn::LionOptions>(o);
  read_betas(o, options);
  return nn::lion(options);
}

nn::Optimizer optimizer_of(const Configuration& o) {
  const std::string name = choose(
      o, "name", "adamw", {"sgd", "adam", "adamw", "adagrad", "rmsprop", "lars", "lamb", "lion"});
  auto make = [&] {
    if (name == "sgd") return sgd(o);
    if (name == "adam") return nn::adam(adam_options(o));
    if (name == "adagrad") return adagrad(o);
    if (name == "rmsprop") return rmsprop(o);
    if (name == "lars") return lars(o);
    if (name == "lamb") return lamb(o);
    if (name == "lion") return lion(o);
    return nn::adamw(adam_options(o));
  };
  return with_common_options(make(), o);
}

}  // namespace

nn::Optimizer configure_optimizer(const Configuration& optimizer) {
  return at_key(optimizer, "", [&] { return optimizer_of(optimizer); });
}

}  // namespace tenon::train
