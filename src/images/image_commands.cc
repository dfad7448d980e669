#include "images/image_commands.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "images/pause_image.h"
#include "images/recipe.h"

namespace kpp::images {
namespace {

constexpr std::string_view kUsage =
    "usage: kpp image build RECIPE_DIRECTORY... -o ARCHIVE\n"
    "       kpp image pause [NAME] -o ARCHIVE\n";

Result<std::vector<Image>> make_images(const std::vector<std::string>& words) {
  std::vector<Image> images;
  if (words[0] == "pause") {
    KPP_ASSIGN(Image image,
               pause_image(words.size() > 1 ? words[1] : "registry.k8s.io/pause:3.10.1"));
    images.push_back(std::move(image));
    return images;
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    KPP_ASSIGN(Image image, build_image(words[i]));
    images.push_back(std::move(image));
  }
  return images;
}

Status make_archive(const std::vector<std::string>& words, const std::string& archive) {
  KPP_ASSIGN(const std::vector<Image> images, make_images(words));
  KPP_ASSIGN(const std::string bytes, write_archive(images));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(archive, bytes));
  for (const Image& image : images) std::printf("%s\n", image.name.c_str());
  return {};
}

}  // namespace

int image_main(int argc, char** argv) {
  std::vector<std::string> words;
  std::string archive;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-o" && i + 1 < argc) {
      archive = argv[++i];
    } else {
      words.emplace_back(word);
    }
  }
  const bool known = !words.empty() && ((words[0] == "build" && words.size() > 1) ||
                                        (words[0] == "pause" && words.size() < 3));
  if (!known || archive.empty()) {
    std::fputs(kUsage.data(), stderr);
    return 2;
  }
  const Status status = make_archive(words, archive);
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return 1;
}

}  // namespace kpp::images
