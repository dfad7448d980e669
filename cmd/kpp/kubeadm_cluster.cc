// `kubeadm token`, `config`, `certs`, `kubeconfig` and `version`: what is asked of a cluster, and
// of its files.
#include <cstdio>

#include "apiserver/build_commit.h"
#include "base/fs.h"
#include "base/version.h"
#include "codec/yaml.h"
#include "kubeadm/certificate_commands.h"
#include "kubeadm/cluster_images.h"
#include "kubeadm/config_reader.h"
#include "kubeadm/kubeconfigs.h"
#include "kubeadm/token_commands.h"
#include "kubeadm/tokens.h"
#include "kubeadm_commands.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr const char* kAdminConf = "/etc/kubernetes/admin.conf";

// The configuration of a file, in the version of today, with the defaults.
int migrate(const std::string& from, const std::string& to) {
  if (from.empty()) {
    return complain(Status(Reason::kInvalid, "the --old-config flag is mandatory"));
  }
  const auto text = read_file_of_person(from);
  if (!text) return complain(text.error());
  std::vector<std::string> warnings;
  const auto made = kubeadm::migrate_config(*text, warnings);
  if (!made) return complain(made.error());
  warn(warnings);
  if (to.empty()) {
    std::fputs(made->c_str(), stdout);
    return 0;
  }
  return complain(fs::write_file_atomic(to, *made));
}

int validate(const std::string& path) {
  if (path.empty()) return complain(Status(Reason::kInvalid, "the --config flag is mandatory"));
  const auto text = read_file_of_person(path);
  if (!text) return complain(text.error());
  std::vector<std::string> warnings;
  const Status good = kubeadm::check_config(*text, warnings);
  warn(warnings);
  if (!good.ok()) return complain(good);
  print_line("ok");
  return 0;
}

int images(std::string_view verb, int argc, char** argv) {
  CommonFlags common;
  ClusterFlags cluster_flags;
  Flags flags(cat("kubeadm config images ", verb), "The images that a control plane needs.");
  flags.add("config", &common.config_file, "path to a kubeadm configuration file");
  flags.add("cri-socket", &common.cri_socket, "the CRI runtime's socket");
  cluster_flags.add_to(flags);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm config", s);
  kubeadm::InitConfig config;
  if (Status s = read_config_file(common.config_file, config); !s.ok()) return complain(s);
  if (Status s = cluster_flags.over(config.cluster); !s.ok()) return complain(s);
  common.over(config.node);
  const std::vector<std::string> names = kubeadm::image_names(config.cluster);
  if (verb == "pull") {
    const Status loaded = kubeadm::ensure_images(config.node.cri_socket, names, own_path());
    if (!loaded.ok()) return complain(loaded);
  }
  for (const std::string& name : names)
    print_line(verb == "pull" ? cat("[config/images] Pulled ", name) : name);
  return 0;
}

}  // namespace

int kubeadm_token_main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "list";
  std::string kubeconfig = kAdminConf;
  std::string ttl = "24h0m0s", file, output;
  std::vector<std::string> words, usages, groups;
  kubeadm::TokenRequest request;
  bool dry_run = false;
  Flags flags(cat("kubeadm token ", verb), "The tokens that machines join with.");
  flags.add("kubeconfig", &kubeconfig, "how to reach the API server");
  flags.add("dry-run", &dry_run, "make no changes");
  flags.add_words(&words, "tokens");
  if (verb == "create") {
    flags.add("ttl", &ttl, "how long it lives; 0: for ever");
    flags.add("description", &request.token.description, "what it is for");
    flags.add("usages", &usages, "signing, authentication");
    flags.add("groups", &groups, "groups that it is authenticated as");
    flags.add("print-join-command", &request.print_join_command, "print the whole join command");
    flags.add("certificate-key", &request.certificate_key,
              "with --print-join-command: print the command by which a control plane joins");
    flags.add("config", &file, "path to a kubeadm configuration file");
  }
  if (verb == "list") flags.add("output,-o", &output, "text, json or yaml");
  if (argc > 2 || verb == "--help") {
    if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm token", s);
  }
  if (verb == "generate") {
    print_line(kubeadm::generate_token());
    return 0;
  }
  if (verb == "list") {
    const auto format = kubeadm::token_format(output);
    if (!format) return complain(format.error());
    return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
      return kubeadm::list_tokens(std::move(setting), kubeconfig, *format, stop);
    });
  }
  if (verb == "delete" && words.empty()) {
    return complain(
        Status(Reason::kInvalid,
               "missing argument; 'token delete' is missing token of form [\"\\\\A([a-z0-9]"
               "{6})\\\\z\"] or [\"\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z\"]"));
  }
  if (verb == "delete") {
    return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
      return kubeadm::delete_tokens(std::move(setting), kubeconfig, words, dry_run, stop);
    });
  }
  if (verb != "create" || words.size() > 1) {
    return report("kubeadm token",
                  Status(Reason::kInvalid,
                         "usage: kubeadm token create [TOKEN]|list|delete TOKEN...|generate"));
  }
  kubeadm::InitConfig config;
  if (Status s = read_config_file(file, config); !s.ok()) return complain(s);
  if (!config.tokens.empty()) request.token = config.tokens[0];
  if (!words.empty()) request.token.token = words[0];
  if (!usages.empty()) request.token.usages = usages;
  if (!groups.empty()) request.token.groups = groups;
  if (file.empty()) {
    const auto parsed = kubeadm::parse_duration(ttl);
    if (!parsed) return complain(parsed.error());
    request.token.ttl = *parsed;
  }
  request.dry_run = dry_run;
  return run_kubeadm([&](kubeadm::Setting setting, async::StopToken stop) {
    return kubeadm::create_token(std::move(setting), kubeconfig, request, stop);
  });
}

int kubeadm_config_main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const std::string_view second = argc > 2 ? argv[2] : "";
  if (first == "images" && (second == "list" || second == "pull")) {
    return images(second, argc - 2, argv + 2);
  }
  static constexpr std::pair<std::string_view, std::string (*)()> kDefaults[] = {
      {"init-defaults", kubeadm::print_init_defaults},
      {"join-defaults", kubeadm::print_join_defaults},
      {"reset-defaults", kubeadm::print_reset_defaults}};
  for (const auto& [name, text] : kDefaults) {
    if (first != "print" || second != name) continue;
    std::fputs(text().c_str(), stdout);
    return 0;
  }
  if (first == "migrate" || first == "validate") {
    std::string old_config, new_config, config;
    Flags flags(cat("kubeadm config ", first), "Configuration files.");
    if (first == "migrate") {
      flags.add("old-config", &old_config, "the file to read");
      flags.add("new-config", &new_config, "the file to write; without it, it is printed");
    } else {
      flags.add("config", &config, "path to a kubeadm configuration file");
    }
    if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm config", s);
    return first == "migrate" ? migrate(old_config, new_config) : validate(config);
  }
  return report("kubeadm config",
                Status(Reason::kInvalid,
                       "usage: kubeadm config images list|pull | print "
                       "init-defaults|join-defaults|reset-defaults | validate | migrate"));
}

int kubeadm_certs_main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  std::string file;
  std::vector<std::string> words;
  kubeadm::InitConfig config;
  std::string directory = config.cluster.certificates_dir;
  Flags flags(cat("kubeadm certs ", verb), "The certificates of this machine.");
  flags.add("cert-dir", &directory, "where the certificates are kept");
  flags.add("config", &file, "path to a kubeadm configuration file");
  flags.add_words(&words, "the certificate, or all");
  if (argc > 2) {
    if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm certs", s);
  }
  if (Status s = read_config_file(file, config); !s.ok()) return complain(s);
  config.cluster.certificates_dir = directory;
  const SystemClock clock;
  if (verb == "certificate-key") {
    print_line(kubeadm::new_certificate_key());
    return 0;
  }
  if (verb == "check-expiration") {
    const auto tables = kubeadm::expiration_tables(
        directory, std::string(kubeadm::kKubernetesDirectory), clock.wall());
    if (!tables) return complain(tables.error());
    std::fputs(tables->c_str(), stdout);
    return 0;
  }
  if (verb == "renew" && words.size() == 1) {
    return complain(kubeadm::renew_certificates(words[0], config.cluster,
                                                std::string(kubeadm::kKubernetesDirectory),
                                                clock.wall(), print_line));
  }
  return report("kubeadm certs",
                Status(Reason::kInvalid,
                       "usage: kubeadm certs check-expiration | renew NAME|all | certificate-key"));
}

int kubeadm_kubeconfig_main(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "user") {
    return report("kubeadm kubeconfig",
                  Status(Reason::kInvalid, "usage: kubeadm kubeconfig user --client-name NAME"));
  }
  std::string name, file, token;
  std::vector<std::string> organizations;
  kubeadm::InitConfig config;
  Flags flags("kubeadm kubeconfig user", "Prints a kubeconfig for a further user.");
  flags.add("client-name", &name, "the user's name");
  flags.add("org", &organizations, "the user's groups");
  flags.add("config", &file, "path to a kubeadm configuration file");
  flags.add("token", &token, "a bearer token in place of a certificate");
  if (Status s = flags.parse(argc - 1, argv + 1); !s.ok()) return report("kubeadm kubeconfig", s);
  if (name.empty())
    return report("kubeadm kubeconfig",
                  Status(Reason::kInvalid, "required flag(s) \"client-name\" not set"));
  if (Status s = read_config_file(file, config); !s.ok()) return complain(s);
  if (Status s = kubeadm::complete(config); !s.ok()) return complain(s);
  const std::string server = cat("https://", kubeadm::control_plane_endpoint(config));
  if (!token.empty()) {
    const auto ca = fs::read_file(cat(config.cluster.certificates_dir, "/ca.crt"));
    if (!ca) return complain(ca.error());
    std::fputs(kubeadm::kubeconfig_with_token(config.cluster.cluster_name, server, *ca, name, token)
                   .c_str(),
               stdout);
    return 0;
  }
  const SystemClock clock;
  const auto text = kubeadm::make_kubeconfig(config, name, organizations, server, clock.wall());
  if (!text) return complain(text.error());
  std::fputs(text->c_str(), stdout);
  return 0;
}

int kubeadm_version_main(int argc, char** argv) {
  std::string output;
  Flags flags("kubeadm version", "Prints the version.");
  flags.add("output,-o", &output, "yaml, json or short");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kubeadm version", s);
  const json::Object version{{"major", kKubernetesMajor},
                             {"minor", kKubernetesMinor},
                             {"gitVersion", kKubernetesVersion},
                             {"gitCommit", apiserver::build_commit()},
                             {"gitTreeState", ""},
                             {"buildDate", "1970-01-01T00:00:00Z"},
                             {"goVersion", "c++23"},
                             {"compiler", "clang"},
                             {"platform", "linux/amd64"}};
  const json::Object document{{"clientVersion", version}};
  if (output == "short") {
    print_line(kKubernetesVersion);
  } else if (output == "json") {
    print_line(json::write_pretty(json::Value(document)));
  } else if (output == "yaml") {
    std::fputs(yaml::write(json::Value(document)).c_str(), stdout);
  } else if (output.empty()) {
    const auto field = [&](std::string_view name) {
      return quoted(std::string_view(version.at(name).get_string()));
    };
    print_line(cat("kubeadm version: &version.Info{Major:", field("major"),
                   ", Minor:", field("minor"), ", GitVersion:", field("gitVersion"),
                   ", GitCommit:", field("gitCommit"), ", GitTreeState:", field("gitTreeState"),
                   ", BuildDate:", field("buildDate"), ", GoVersion:", field("goVersion"),
                   ", Compiler:", field("compiler"), ", Platform:", field("platform"), "}"));
  } else {
    return complain(Status(Reason::kInvalid, cat("invalid output format: ", output)));
  }
  return 0;
}

}  // namespace kpp::cmd
