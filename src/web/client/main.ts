/* What a page gains by JavaScript. Every page works without it; nothing here is needed to read, save or delete. */
import { startCopying } from './copy.ts'
import { startDialogs } from './dialog.ts'
import { startLines } from './lines.ts'
import { startPasskeys } from './passkey.ts'
import { startPicker } from './picker.ts'
import { startTheme } from './theme.ts'

startCopying()
startDialogs()
startLines()
startPasskeys()
startPicker()
startTheme()
