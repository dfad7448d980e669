#include "images/recipe.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <set>

#include "base/fs.h"
#include "codec/yaml.h"
#include "images/elf_files.h"
#include "images/tar.h"

namespace kpp::images {
namespace {

Result<std::string> to_text(std::string_view field, const json::Value& value) {
  if (!value.is_string()) return fail(Reason::kInvalid, cat(field, " must be a text"));
  return std::string(value.get_string());
}

Result<std::vector<std::string>> to_texts(std::string_view field, const json::Value& value) {
  if (!value.is_array()) return fail(Reason::kInvalid, cat(field, " must be a list"));
  std::vector<std::string> out;
  for (const json::Value& item : value.get_array()) {
    KPP_ASSIGN(std::string text, to_text(field, item));
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::map<std::string, std::string>> to_map(std::string_view field,
                                                  const json::Value& value) {
  if (!value.is_object()) return fail(Reason::kInvalid, cat(field, " must be a map"));
  std::map<std::string, std::string> out;
  for (const auto& member : value.get_object()) {
    KPP_ASSIGN(std::string text, to_text(field, member.value()));
    out.emplace(member.key(), std::move(text));
  }
  return out;
}

Status set_directories(const json::Value& value, Recipe& recipe) {
  KPP_ASSIGN(const auto modes, to_map("directories", value));
  for (const auto& [path, mode] : modes) {
    unsigned number = 0;
    const auto r = std::from_chars(mode.data(), mode.data() + mode.size(), number, 8);
    if (r.ec != std::errc() || r.ptr != mode.data() + mode.size() || number > 07777) {
      return {Reason::kInvalid, cat("directories: ", quoted(mode), " is no mode")};
    }
    recipe.directories.emplace(path, number);
  }
  return {};
}

Status set_field(std::string_view field, const json::Value& value, Recipe& recipe) {
  struct List {
    std::string_view name;
    std::vector<std::string>& to;
  };
  List lists[] = {{"programs", recipe.programs},
                  {"machineFiles", recipe.machine_files},
                  {"entrypoint", recipe.config.entrypoint},
                  {"command", recipe.config.command},
                  {"environment", recipe.config.environment},
                  {"ports", recipe.config.ports}};
  for (List& list : lists) {
    if (field != list.name) continue;
    KPP_ASSIGN(list.to, to_texts(field, value));
    return {};
  }
  if (field == "directories") return set_directories(value, recipe);
  if (field == "links") {
    KPP_ASSIGN(recipe.links, to_map(field, value));
    return {};
  }
  if (field != "name" && field != "workingDirectory") {
    return {Reason::kInvalid, cat("unknown field ", quoted(field))};
  }
  KPP_ASSIGN(std::string text, to_text(field, value));
  (field == "name" ? recipe.name : recipe.config.working_directory) = std::move(text);
  return {};
}

// Puts files into a layer; each path once, with the directories above it.
class LayerBuilder {
 public:
  Status add_directory(const std::string& path, unsigned mode) {
    KPP_RETURN_IF_ERROR(add_parents(path));
    if (!done_.insert(path).second) return {};
    return tar_.add_directory(path, mode);
  }

  Status add_link(const std::string& path, const std::string& target) {
    KPP_RETURN_IF_ERROR(add_parents(path));
    if (!done_.insert(path).second) return {};
    return tar_.add_link(path, target);
  }

  // A file of the machine under a path of the image; links are followed, so what is asked for by a
  // link's name is there.
  Status add_file(const std::string& source, const std::string& path) {
    struct stat st{};
    if (::stat(source.c_str(), &st) != 0) return errno_status(source, errno);
    // One of its files may have brought the directory along.
    if (S_ISDIR(st.st_mode)) return add_tree(source, path);
    if (done_.contains(path)) return {};
    KPP_RETURN_IF_ERROR(add_parents(path));
    KPP_ASSIGN(const std::string data, fs::read_file(source, 256U << 20));
    done_.insert(path);
    return tar_.add_file(path, data, st.st_mode & 0777);
  }

  Status add_tree(const std::string& source, const std::string& path) {
    if (path != "/" && !path.empty()) KPP_RETURN_IF_ERROR(add_directory(path, 0755));
    KPP_ASSIGN(const std::vector<std::string> names, fs::list(source));
    for (const std::string& name : names) {
      KPP_RETURN_IF_ERROR(
          add_file(cat(source, "/", name), cat(path == "/" ? "" : path, "/", name)));
    }
    return {};
  }

  std::string finish() { return tar_.finish(); }

 private:
  Status add_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string parent = path.substr(0, slash);
      if (done_.insert(parent).second) KPP_RETURN_IF_ERROR(tar_.add_directory(parent));
    }
    return {};
  }

  TarWriter tar_;
  std::set<std::string> done_;
};

Result<std::string> build_layer(const Recipe& recipe, const std::string& files) {
  LayerBuilder layer;
  for (const auto& [path, mode] : recipe.directories) {
    KPP_RETURN_IF_ERROR(layer.add_directory(path, mode));
  }
  // Files of the recipe win over those of the machine.
  if (!files.empty() && fs::exists(files)) KPP_RETURN_IF_ERROR(layer.add_tree(files, "/"));
  for (const std::string& program : recipe.programs) {
    if (!fs::exists(program)) {
      return fail(Reason::kNotFound, cat(program, " is not installed on this machine"));
    }
    KPP_RETURN_IF_ERROR(layer.add_file(program, program));
    KPP_ASSIGN(const std::vector<std::string> libraries, libraries_of(program));
    for (const std::string& library : libraries) {
      KPP_RETURN_IF_ERROR(layer.add_file(library, library));
    }
  }
  for (const std::string& file : recipe.machine_files) {
    KPP_RETURN_IF_ERROR(layer.add_file(file, file));
  }
  for (const auto& [path, target] : recipe.links) {
    KPP_RETURN_IF_ERROR(layer.add_link(path, target));
  }
  return layer.finish();
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view text) {
  KPP_ASSIGN(const json::Value document, yaml::parse(text));
  if (!document.is_object()) return fail(Reason::kInvalid, "a recipe must be a map");
  Recipe recipe;
  for (const auto& member : document.get_object()) {
    const auto key = member.key();
    KPP_RETURN_IF_ERROR(set_field({key.data(), key.size()}, member.value(), recipe));
  }
  if (recipe.name.find('/') == std::string::npos || recipe.name.find(':') == std::string::npos) {
    return fail(Reason::kInvalid,
                "name must have a registry and a tag: docker.io/someone/thing:1.0");
  }
  return recipe;
}

Result<Image> build_image(Recipe recipe, const std::string& files) {
  auto layer = build_layer(recipe, files);
  if (!layer) return fail(std::move(layer).error().with_context(recipe.name));
  Image image;
  image.name = std::move(recipe.name);
  image.config = std::move(recipe.config);
  image.layers.push_back(std::move(*layer));
  return image;
}

Result<Image> build_image(const std::string& directory) {
  KPP_ASSIGN(const std::string text, fs::read_file(cat(directory, "/image.yaml")));
  auto recipe = parse_recipe(text);
  if (!recipe) return fail(std::move(recipe).error().with_context(cat(directory, "/image.yaml")));
  return build_image(std::move(*recipe), cat(directory, "/files"));
}

}  // namespace kpp::images
