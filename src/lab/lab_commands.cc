#include "lab/lab_commands.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "lab/cluster.h"
#include "lab/containerd.h"
#include "lab/lab.h"
#include "lab/machines.h"

namespace kpp::lab {
namespace {

constexpr std::string_view kUsage =
    "usage: kpp lab up --nodes COUNT|NAME[=ADDRESS],... [--bare] [--store etcd|embedded]\n"
    "                  [--runtime containerd|docker] [--name LAB]\n"
    "       kpp lab list\n"
    "       kpp lab enter NODE [--name LAB] [-- COMMAND...]\n"
    "       kpp lab load NODE ARCHIVE... [--name LAB]\n"
    "       kpp lab down [--name LAB]\n";

int complain(std::string_view text) {
  std::fprintf(stderr, "%.*s", static_cast<int>(text.size()), text.data());
  return 2;
}

int report(const Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return 1;
}

struct Arguments {
  std::string lab = kDefaultLab;
  std::string machines;
  std::string store = "etcd";
  std::string runtime = "containerd";
  bool bare = false;
  std::vector<std::string> words;
  std::vector<std::string> command;  // after --
};

Result<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") {
      out.command.assign(argv + i + 1, argv + argc);
      break;
    }
    if (word == "--name" && i + 1 < argc) {
      out.lab = argv[++i];
    } else if (word.starts_with("--name=")) {
      out.lab = word.substr(7);
    } else if (word == "--nodes" && i + 1 < argc) {
      out.machines = argv[++i];
    } else if (word.starts_with("--nodes=")) {
      out.machines = word.substr(8);
    } else if (word == "--store" && i + 1 < argc) {
      out.store = argv[++i];
    } else if (word.starts_with("--store=")) {
      out.store = word.substr(8);
    } else if (word == "--runtime" && i + 1 < argc) {
      out.runtime = argv[++i];
    } else if (word.starts_with("--runtime=")) {
      out.runtime = word.substr(10);
    } else if (word == "--bare") {
      out.bare = true;
    } else if (word.starts_with("-")) {
      return fail(Reason::kInvalid, cat("unknown flag: ", word));
    } else {
      out.words.emplace_back(word);
    }
  }
  return out;
}

std::string own_path() {
  char buffer[PATH_MAX] = {};
  const ssize_t n = ::readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

// A lab that runs and is not made of exactly these machines is somebody's: it is not replaced
// unasked.
Status check_replaceable(const LabOptions& options, const std::vector<Machine>& machines) {
  KPP_ASSIGN(const Lab lab, Lab::open(options));
  KPP_ASSIGN(const std::vector<Node> running, lab.nodes());
  for (const Node& node : running) {
    const bool ours = std::ranges::any_of(machines, [&](const Machine& m) {
      return m.name == node.name && m.address == node.address;
    });
    if (!ours) {
      return {Reason::kAlreadyExists,
              cat("lab ", options.name, " runs with a node ", node.name, " at ", node.address,
                  "; remove it first: kpp lab down --name ", options.name)};
    }
  }
  return {};
}

int up(const Arguments& arguments) {
  if (arguments.words.size() != 1 || arguments.machines.empty()) {
    return complain(kUsage);
  }
  const auto machines = parse_machines(arguments.machines);
  if (!machines) return report(machines.error());
  const auto runtime = parse_runtime(arguments.runtime);
  if (!runtime) return report(runtime.error());
  const LabOptions options{.name = arguments.lab};
  if (Status status = check_replaceable(options, *machines); !status.ok()) return report(status);
  const auto start = std::chrono::steady_clock::now();
  const auto say = [&](const std::string& step) {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start;
    if (arguments.bare) {
      std::printf("%s\n", step.c_str());
    } else {
      std::printf("%6.2f s  %s\n", since.count(), step.c_str());
    }
    std::fflush(stdout);
  };
  const MachinesOptions made{options, *machines, *runtime, own_path()};
  if (arguments.bare) return report(make_machines(made, say));
  if (Status status = make_cluster({made, arguments.store}, say); !status.ok())
    return report(status);
  std::printf("Go on with:\n  kpp lab enter %s%s\n", machines->front().name.c_str(),
              arguments.lab == kDefaultLab ? "" : cat(" --name ", arguments.lab).c_str());
  return 0;
}

int list() {
  for (const std::string& name : list_labs()) {
    const auto lab = Lab::open({.name = name});
    if (!lab) continue;
    const auto nodes = lab->nodes();
    if (!nodes) continue;
    for (const Node& node : *nodes) {
      std::printf("%-20s %-20s %-16s %d\n", name.c_str(), node.name.c_str(), node.address.c_str(),
                  node.init);
    }
  }
  return 0;
}

Result<Node> find_node(const Arguments& arguments) {
  KPP_ASSIGN(const Lab lab, Lab::open({.name = arguments.lab}));
  return lab.node(arguments.words[1]);
}

int load(const Arguments& arguments) {
  if (arguments.words.size() < 3) return complain(kUsage);
  const auto node = find_node(arguments);
  if (!node) return report(node.error());
  return report(load_images(*node, {arguments.words.begin() + 2, arguments.words.end()}));
}

int enter(const Arguments& arguments) {
  if (arguments.words.size() != 2) return complain(kUsage);
  const auto node = find_node(arguments);
  if (!node) return report(node.error());
  std::vector<std::string> command = arguments.command;
  if (command.empty()) command = {"/bin/bash"};
  const auto code = enter_node(*node, command);
  return code ? *code : report(code.error());
}

}  // namespace

int lab_main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    (void)report(arguments.error());
    return complain(kUsage);
  }
  if (arguments->words.empty()) return complain(kUsage);
  const std::string& verb = arguments->words[0];
  if (verb == "up") return up(*arguments);
  if (verb == "list") return list();
  if (verb == "enter") return enter(*arguments);
  if (verb == "load") return load(*arguments);
  if (verb == "down") {
    auto lab = Lab::open({.name = arguments->lab});
    return report(lab ? lab->remove() : lab.error());
  }
  return complain(kUsage);
}

}  // namespace kpp::lab
