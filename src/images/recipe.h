// How an image is put together from programs of this machine and files beside the recipe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "images/archive.h"

namespace kpp::images {

// image.yaml:
//   name: docker.io/someone/thing:1.0
//   programs: [/usr/sbin/nginx]              # of the machine, with the libraries they need
//   machineFiles: [/etc/nginx/mime.types]    # of the machine, as they are; a directory with all
//   below it directories: {/tmp: "1777", /data: "0755"} links: {/bin/sh: busybox} entrypoint:
//   [/entrypoint.sh] command: [...] environment: [PATH=/bin] ports: [80/tcp] workingDirectory: /
// All but name may be left out. Files below files/ beside the recipe go to the root of the image.
struct Recipe {
  std::string name;
  std::vector<std::string> programs;
  std::vector<std::string> machine_files;
  std::map<std::string, unsigned> directories;
  std::map<std::string, std::string> links;
  ImageConfig config;
};

// Errors: kInvalid names the field that is wrong or unknown.
Result<Recipe> parse_recipe(std::string_view yaml);

// Builds one layer from a recipe and the files below `files` (none if that is empty or not there).
// Errors: as below.
Result<Image> build_image(Recipe recipe, const std::string& files);

// Builds the image of the recipe DIRECTORY/image.yaml: one layer, the same bytes for the same
// machine. Errors: kNotFound names a program or library that is not installed.
Result<Image> build_image(const std::string& directory);

}  // namespace kpp::images
