# cmake -DSOURCE=tree -DVERSION=v -DOUTPUT=file -P build_commit.cmake: the commit of the tree as a C++ string, a digest of the
# version where the tree is none of git's. The file stays as it is while the commit does.
execute_process(COMMAND git -C ${SOURCE} rev-parse HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  string(SHA1 commit "kpp ${VERSION}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "\"${commit}\"\n")
