/**
 * What is known to run, load or fetch. These lists only raise `suspicious` to `dangerous`: a name that is missing here is not let through.
 * Sources: the advisories and bypasses named in tests/scanning, and the documentation of the modules.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Everything in these modules, and in what lies below them. */
export const dangerousModules: ReadonlySet<string> = new Set([
  // Processes, files and the interpreter itself.
  ...words(`os posix nt posixpath ntpath subprocess _posixsubprocess popen2 commands pty tty pipes sys _winapi msvcrt winreg signal _signal
    resource fcntl mmap shutil tempfile glob fileinput linecache filecmp platform multiprocessing threading _thread concurrent sched atexit
    gc faulthandler tracemalloc ctypes _ctypes cffi _cffi_backend nturl2path _osx_support _aix_support sysconfig site sitecustomize
    usercustomize getpass curses readline rlcompleter cmd shlex mailcap antigravity this __main__ _io`),
  // Code, and names of code.
  ...words(`code codeop runpy marshal types imp _imp importlib _frozen_importlib _frozen_importlib_external pkgutil zipimport zipapp inspect
    operator _operator functools _functools ast symtable dis bdb pdb cProfile profile _lsprof trace timeit doctest unittest test
    pydoc idlelib lib2to3 compileall py_compile pyclbr modulefinder distutils setuptools pkg_resources pip ensurepip venv virtualenv wheel
    xdrlib formatter gettext optparse _pyrepl _interpreters _xxsubinterpreters interpreters contextlib weakref copy _sitebuiltins
    reprlib pprint string _testcapi _testinternalcapi`),
  // The network, and databases.
  ...words(`socket _socket ssl _ssl select selectors asyncio asyncore asynchat http httplib urllib urllib2 urllib3 requests aiohttp httpx
    ftplib smtplib smtpd imaplib poplib nntplib telnetlib xmlrpc xmlrpclib socketserver SocketServer webbrowser cgi cgitb wsgiref
    sqlite3 _sqlite3 dbm shelve logging syslog tkinter turtle turtledemo paramiko fabric boto3 botocore fsspec s3fs gcsfs huggingface_hub`),
  // What reads pickles or archives again.
  ...words(`pickle _pickle cPickle pickletools dill cloudpickle jsonpickle pexpect yaml ruamel tarfile zipfile lzma bz2 gzip joblib
    mlflow skops keras tensorflow jax flax`),
  // Parts of honest frameworks that run, load or fetch.
  ...words(`numpy.testing numpy.f2py numpy.distutils numpy.ctypeslib numpy.lib numpy.compat numpy._core.records numpy.core.records
    scipy._lib._testutils scipy.io scipy.datasets sklearn.datasets sklearn.utils._testing sklearn.utils.tests sklearn.externals
    pandas.io pandas.core.computation pandas.util pandas._testing pandas.testing pandas.compat
    torch.hub torch.jit torch.package torch.fx torch.distributed torch.multiprocessing torch.testing torch.onnx torch.export torch.ops
    torch.classes torch.library torch._dynamo torch._inductor torch._functorch torch._export torch._jit_internal torch._weights_only_unpickler
    torch.serialization torch.utils torch.autograd torch.profiler torch.cuda torch.compiler torch.monitor torch.futures torch._library
    torch._C torch._ops torch._prims torch._sources torch._lobpcg torch._refs torch._decomp torch._tensor_docs torch.overrides torchvision.datasets
    transformers.pipelines transformers.dynamic_module_utils transformers.utils transformers.file_utils transformers.hf_argparser
    transformers.commands datasets accelerate.commands accelerate.utils.launch accelerate.launchers IPython ipykernel jupyter_client pytest py
    sympy nltk spacy gensim fastai pytorch_lightning lightning timm bitsandbytes numba llvmlite Cython pyximport cython ray dask distributed
    gradio streamlit jinja2 mako numexpr matplotlib networkx altair dataclasses_json`),
])

/** Single names of modules that are otherwise merely unknown. */
export const dangerousNames: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    builtins: `eval exec compile execfile open file input raw_input getattr setattr delattr hasattr vars globals locals dir __import__
      __build_class__ __loader__ __spec__ __dict__ breakpoint help exit quit map filter reduce apply type super property classmethod
      staticmethod memoryview print iter next callable sorted min max sum any all zip enumerate reversed format id`,
    __builtin__:
      'eval exec compile execfile open file input raw_input getattr setattr delattr __import__ globals locals vars apply map filter',
    io: 'open open_code FileIO OpenWrapper',
    codecs: 'open EncodedFile lookup register StreamReaderWriter',
    _codecs: 'lookup register decode',
    copyreg:
      'add_extension remove_extension pickle constructor dispatch_table _extension_registry _inverted_registry _extension_cache',
    pathlib: 'Path.read_text Path.write_text Path.unlink Path.open Path.read_bytes Path.write_bytes',
    uuid: '_get_command_stdout _popen getnode _ifconfig_getter _ip_getter _arp_getter',
    itertools: 'starmap accumulate takewhile dropwhile filterfalse groupby',
    collections: 'namedtuple _sys _Link',
    re: 'sub subn _compile Scanner template',
    typing: 'get_type_hints ForwardRef _eval_type',
    dataclasses: 'make_dataclass _create_fn',
    enum: 'EnumMeta _make_class_unpicklable',
    numpy:
      'load loads fromfile memmap loadtxt genfromtxt save savez tofile frompyfunc vectorize apply_along_axis DataSource fromregex fromfunction piecewise',
    pandas:
      'read_pickle to_pickle read_csv read_table read_json read_html read_excel read_hdf read_parquet read_sql read_clipboard eval HDFStore ExcelFile ExcelWriter',
    torch: 'load save hub jit compile serialization ops classes package import_ir_module',
    'torch.storage': '_load_from_bytes UntypedStorage.from_file TypedStorage.from_file',
    'torch._utils': '_import_dotted_name _cuda_getDevice _rebuild_xla_tensor',
    sklearn: 'show_versions',
    transformers: 'pipeline AutoModel AutoTokenizer AutoConfig AutoModelForCausalLM',
  }).map(([module, names]) => [module, new Set(words(names))]),
)

/** Modules and attributes through which one comes to others: dangerous as a part of any path but its first. */
export const dangerousParts: ReadonlySet<string> = new Set(
  words(`os posix nt sys subprocess builtins __builtin__ __builtins__ importlib pickle _pickle shutil socket ctypes runpy inspect types
    pty marshal __globals__ __subclasses__ __bases__ __base__ __mro__ mro __class__ __dict__ __getattribute__ __getattr__ __setattr__
    __reduce__ __reduce_ex__ __init_subclass__ __call__ __code__ __closure__ __func__ __self__ __wrapped__ __loader__ __spec__ __import__
    __builtin__ f_globals gi_frame _sys _os _subprocess _importlib warnings_os operator functools`),
)

/** Names that mean the same wherever they stand. */
export const dangerousAnywhere: ReadonlySet<string> = new Set(
  words(`eval exec execfile exec_ system popen Popen spawn spawnl spawnv spawnvp execv execve execvp check_output check_call getoutput
    getstatusoutput import_module __import__ load_module exec_module run_module run_path run_code runstring runcode runsource runctx
    load_pickle read_pickle loads unpickle load_source load_library CDLL PyDLL WinDLL FunctionType CodeType LambdaType MethodType partial
    attrgetter methodcaller itemgetter getattr setattr delattr getattr_static resolve_name urlopen urlretrieve safe_eval literal_eval
    _run_code _run_entry_point _eval_length getlincoef execWrapper spawnv_passfds run_cprofile collect_env _get_command_stdout
    _load_from_bytes unsafe_load full_load rmtree unlink`),
)
