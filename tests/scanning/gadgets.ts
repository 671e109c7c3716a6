/** Callables that public reports name as ways past scanners, each with where it was reported. Only their names are facts; no code is from there. */
import type { Verdict } from '../../src/features/scanning/service.ts'

export interface Gadget {
  readonly module: string
  readonly name: string
  readonly source: string
  readonly verdict: Exclude<Verdict, 'innocuous'>
}

const dangerous = (source: string, ...paths: readonly string[]): readonly Gadget[] =>
  paths.map((path) => {
    const [module = '', name = ''] = path.split(':')
    return { module, name, source, verdict: 'dangerous' as const }
  })

export const gadgets: readonly Gadget[] = [
  ...dangerous('picklescan CVE-2025-1716 (Sonatype)', 'pip:main', 'pip._internal.cli.main:main'),
  ...dangerous('picklescan CVE-2025-10157 (JFrog)', 'asyncio.unix_events:_UnixSubprocessTransport._start'),
  ...dangerous('picklescan CVE-2025-71322', 'pty:spawn'),
  ...dangerous('picklescan CVE-2025-71323, GHSA-4675-36f9-wf6r', 'ctypes:CDLL', 'ctypes:WinDLL'),
  ...dangerous(
    'picklescan CVE-2025-71320, GHSA-84r2-jw7c-4r5q',
    'pydoc:locate',
    'pydoc:pipepager',
    'operator:methodcaller',
  ),
  ...dangerous(
    'picklescan GHSA-m273-6v24-x4m4, GHSA-955r-x9j8-7rhh',
    '_operator:attrgetter',
    '_operator:methodcaller',
    'operator:itemgetter',
  ),
  ...dangerous(
    'picklescan CVE-2025-71339, GHSA-6556-fwc2-fg2p',
    'numpy.f2py.crackfortran:_eval_length',
    'numpy.f2py.crackfortran:getlincoef',
  ),
  ...dangerous('picklescan CVE-2025-71355', 'numpy.testing._private.utils:runstring'),
  ...dangerous('picklescan CVE-2025-71358, GHSA-6w4w-5w54-rjvr', 'idlelib.autocomplete:AutoComplete.get_entity'),
  ...dangerous('picklescan CVE-2025-71361, GHSA-8r4j-24qv-fmq9', 'idlelib.calltip:Calltip.fetch_tip'),
  ...dangerous(
    'picklescan, idlelib advisories',
    'idlelib.pyshell:ModifiedInterpreter.runcode',
    'idlelib.run:Executive.runcode',
    'idlelib.debugobj:ObjectTreeItem.SetText',
  ),
  ...dangerous('picklescan CVE-2025-71345', 'torch.utils.bottleneck.__main__:run_autograd_prof'),
  ...dangerous('picklescan CVE-2025-71366', 'torch.utils.bottleneck.__main__:run_cprofile'),
  ...dangerous('picklescan CVE-2025-71353', 'torch._dynamo.guards:GuardBuilder.get'),
  ...dangerous(
    'picklescan, torch advisories',
    'torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression',
    'torch.jit.unsupported_tensor_ops:execWrapper',
    'torch.utils._config_module:ConfigModule.load_config',
    'torch.utils.data.datapipes.utils.decoder:basichandlers',
    'torch._inductor.codecache:compile_file',
  ),
  ...dangerous('picklescan CVE-2026-53873', 'profile:run', 'cProfile:run', 'cProfile:runctx', 'profile:Profile.run'),
  ...dangerous(
    'picklescan CVE-2026-56315',
    'uuid:_get_command_stdout',
    'imaplib:IMAP4_stream',
    '_pyrepl.pager:pipe_pager',
    '_osx_support:_read_output',
    '_aix_support:_read_cmd_output',
  ),
  ...dangerous('picklescan GHSA-vvpj-8cmc-gx39', 'pkgutil:resolve_name'),
  ...dangerous('picklescan issue 66', 'importlib:import_module', 'importlib.util:module_from_spec'),
  ...dangerous('picklescan GHSA-xp4f-hrf8-rxw7', 'ensurepip:_run_pip'),
  ...dangerous('picklescan GHSA-v7x6-rv5q-mhwc', 'timeit:timeit'),
  ...dangerous(
    'picklescan, standard library advisories',
    'trace:Trace.run',
    'bdb:Bdb.run',
    'pdb:run',
    'doctest:debug_script',
    'code:InteractiveInterpreter.runcode',
    'lib2to3.pgen2.grammar:Grammar.loads',
    'lib2to3.pgen2.pgen:ParserGenerator.make_label',
    'venv:create',
    'distutils.file_util:write_file',
    'ssl:get_server_certificate',
    'functools:partial',
  ),
  ...dangerous('picklescan PR 74 and marshal reports', 'marshal:loads', 'types:FunctionType', 'types:CodeType'),
  ...dangerous('bypass report on inspect', 'inspect:getattr_static'),
  ...dangerous(
    'bypass report on files and the network',
    'codecs:open',
    'io:open',
    'http.client:HTTPSConnection',
    '_io:FileIO',
  ),
  ...dangerous('modelscan issue 85 and PR 346', 'mailcap:findmatch', 'numpy:vectorize'),
  ...dangerous('modelscan, four more primitives', 'atexit:register', 'threading:Thread', 'zipimport:zipimporter'),
  ...dangerous(
    'saferpickle issue 18',
    'torch.utils.collect_env:run',
    'multiprocessing.util:spawnv_passfds',
    'mlflow.projects.backend.local:_run_entry_point',
    'pandas.io.parsers.readers:read_csv',
  ),
  ...dangerous('saferpickle issue 1', 'shutil:copy'),
  ...dangerous(
    'fickling, unsafe imports',
    'runpy:run_path',
    'cloudpickle:loads',
    'dill:loads',
    'sqlite3:connect',
    'logging.config:dictConfig',
    'gc:get_objects',
    '_posixsubprocess:fork_exec',
    '_xxsubinterpreters:run_string',
    'site:execsitecustomize',
    'pipes:Template',
    'glob:glob',
    'linecache:getline',
    'tempfile:mktemp',
    'xmlrpc.client:ServerProxy',
    'smtplib:SMTP',
    'webbrowser:open',
  ),
  ...dangerous(
    'Sour Pickles, Black Hat 2011',
    '__builtin__:apply',
    '__builtin__:eval',
    '__builtin__:globals',
    '__builtin__:compile',
    '__builtin__:execfile',
  ),
  ...dangerous(
    'Hugging Face, pickle scanning; JFrog on malicious models',
    'builtins:exec',
    'builtins:__import__',
    'builtins:getattr',
    'socket:create_connection',
    'subprocess:Popen',
    'subprocess:check_output',
    'os:popen',
    'nt:system',
  ),
  ...dangerous(
    'The Art of Hide and Seek, loading paths of frameworks',
    'numpy:load',
    'joblib:load',
    'torch:load',
    'torch.hub:load',
    'pandas:read_pickle',
    'torch.storage:_load_from_bytes',
    'joblib.numpy_pickle:load',
    'torch.jit:load',
    'numpy.lib.npyio:load',
  ),
  ...dangerous(
    'PickleBall, calls into libraries',
    'transformers.dynamic_module_utils:get_class_from_dynamic_module',
    'torch.package:PackageImporter',
    'torch.ops:load_library',
  ),
  { module: 'company.models', name: 'Loader', source: 'default deny: nobody has heard of it', verdict: 'suspicious' },
  {
    module: 'sklearn.pipeline',
    name: 'make_pipeline',
    source: 'default deny: a function beside honest classes',
    verdict: 'suspicious',
  },
  {
    module: 'sklearn.pipeline',
    name: 'Pipeline',
    source: 'a class that is innocuous only while nothing calls it',
    verdict: 'suspicious',
  },
]
